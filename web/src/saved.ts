// A page that was saved: the same components without a server, over the answers that were there when it was saved.

export type Saved = { hash: string; subsets: unknown; answers: Record<string, unknown>; images: Record<string, string> };

const BLANK = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
const MOST = 400; // answers that are remembered; the oldest go first
const element = document.getElementById("saved");

export const saved: Saved | null = element ? (JSON.parse(element.textContent ?? "null") as Saved) : null;

const answers = new Map<string, unknown>();

// The answer to a question: from the saved page, or from the server and remembered.
export const answered = async <T>(question: string, ask: () => Promise<T>): Promise<T> => {
  if (saved) {
    if (question in saved.answers) return structuredClone(saved.answers[question]) as T;
    throw new Error("this saved page holds only what was on it; open the workbench to ask more");
  }
  const found = await ask();
  answers.delete(question);
  answers.set(question, found);
  if (answers.size > MOST) answers.delete(answers.keys().next().value as string);
  return found;
};

export const picture = (address: string): string => (saved ? (saved.images[address] ?? BLANK) : address);

const asData = (blob: Blob): Promise<string> =>
  new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result as string);
    reader.readAsDataURL(blob);
  });

const text = async (address: string): Promise<string> => (await fetch(address)).text();

// Everything that is on the page now, as one file that needs no server.
export const snapshot = async (subsets: unknown): Promise<Blob> => {
  const images: Record<string, string> = {};
  for (const image of document.images) {
    const address = image.getAttribute("src") ?? "";
    if (address.startsWith("api/")) images[address] = await asData(await (await fetch(address)).blob());
  }
  const content: Saved = { hash: location.hash, subsets, answers: Object.fromEntries(answers), images };
  const json = JSON.stringify(content).replaceAll("<", "\\u003c");
  const style = await text(document.querySelector<HTMLLinkElement>("link[rel=stylesheet]")!.href);
  const script = (await text(document.querySelector<HTMLScriptElement>("script[src]")!.src)).replaceAll("</script", "<\\/script");
  const parts = [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<meta http-equiv="content-security-policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:">`,
    `<title>cutaway</title><style>${style}</style></head><body><script type="application/json" id="saved">${json}<`,
    `/script><script type="module">${script}<`, `/script></body></html>`,
  ];
  return new Blob(parts, { type: "text/html" });
};
