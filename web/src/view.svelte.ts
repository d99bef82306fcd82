// The view: a small object that lives in the address, so that a link or a reload shows the same.
import { cancel, get, post, url, type Job, type ModelFacts, type StoreFacts, type Subset } from "./api";
import { saved } from "./saved";
import { forgetDrawn, forgetNames } from "./units.svelte";

export const PANELS = ["units", "matrix", "map", "picture", "live"] as const;
export type Panel = (typeof PANELS)[number];

type View = {
  store: string; layer: string; panel: Panel; unit: string; picture: string; where: string; method: string;
  target: string; versus: string; without: string; // of the picture: class indices, and units that are off
  columns: string; sorted: string; own: string; // of the matrix: what its columns are, the one it is sorted by, subsets
  map: string; by: string;
};

const EMPTY: View = {
  store: "", layer: "", panel: "units", unit: "", picture: "", where: "", method: "grad_cam", target: "", versus: "",
  without: "", columns: "subsets", sorted: "", own: "", map: "pca", by: "class",
};

const read = (): View => {
  const given = new URLSearchParams((location.hash || saved?.hash || "").slice(1));
  const view = { ...EMPTY };
  for (const key of Object.keys(EMPTY) as (keyof View)[]) {
    const value = given.get(key);
    if (value !== null) (view as Record<string, string>)[key] = value;
  }
  if (!PANELS.includes(view.panel)) view.panel = "units";
  return view;
};

export const view: View = $state(read());

export const go = (change: Partial<View>): void => {
  Object.assign(view, change);
  const words = new URLSearchParams();
  for (const [key, value] of Object.entries(view)) if (value !== (EMPTY as Record<string, string>)[key]) words.set(key, value);
  history.replaceState(null, "", `${location.pathname}#${words}`);
};

// Another picture: nothing of what was asked about the one before holds for it.
export const look = (picture: string): void => go({ panel: "picture", picture, target: "", versus: "", without: "" });

addEventListener("hashchange", () => Object.assign(view, read()));

export const facts = $state<{ models: Record<string, ModelFacts>; stores: Record<string, StoreFacts>; error: string }>({
  models: {}, stores: {}, error: "",
});

export const load = async (): Promise<void> => {
  try {
    [facts.models, facts.stores] = await Promise.all([
      get<Record<string, ModelFacts>>("models"), get<Record<string, StoreFacts>>("stores"),
    ]);
    const store = view.store in facts.stores ? view.store : (Object.keys(facts.stores)[0] ?? "");
    const layers = facts.stores[store]?.layers.map((each) => each.name) ?? [];
    go({ store, layer: layers.includes(view.layer) ? view.layer : (layers.at(-1) ?? "") });
    if (saved) return;
    const known = await get<Job[]>("jobs");
    known.filter((job) => job.state === "running" || job.state === "waiting").forEach(follow);
  } catch (error) {
    facts.error = (error as Error).message;
  }
};

// Subsets made here. Those that a few words describe travel in the address; a lasso's pictures last as long as the page.
const described = (): Subset[] => {
  try {
    return JSON.parse(view.own || "[]") as Subset[];
  } catch {
    return [];
  }
};
type Subsets = { own: Subset[]; chosen: number[] };
export const subsets = $state<Subsets>((saved?.subsets as Subsets) ?? { own: described(), chosen: [] });

export const addSubset = (subset: Subset): void => {
  subsets.own = [...subsets.own.filter((each) => each.name !== subset.name), subset];
  keepSubsets();
};

export const dropSubset = (name: string): void => {
  subsets.own = subsets.own.filter((each) => each.name !== name);
  keepSubsets();
};

const keepSubsets = (): void => {
  const short = subsets.own.filter((each) => !each.instances);
  go({ own: short.length ? JSON.stringify(short) : "", sorted: "" });
};

// Jobs: long work on the server, watched here; they go on when the page is closed, and are found again by their names.
export const jobs = $state<Record<string, Job>>({});

export const ended = (job: Job | undefined): boolean => job !== undefined && job.state !== "running" && job.state !== "waiting";

export const follow = (job: Job): void => {
  if (saved) {
    jobs[job.name] = { ...job, state: "done" };
    return;
  }
  if (jobs[job.name] && jobs[job.name].state !== "failed" && jobs[job.name].state !== "cancelled") return;
  jobs[job.name] = job;
  const events = new EventSource(url(`jobs/${job.name}/events`));
  let part = 0;
  events.onmessage = (event) => {
    const seen = JSON.parse(event.data) as Job;
    jobs[seen.name] = seen;
    const now = Math.floor(seen.done / 512);
    if (seen.kind === "units" && (now !== part || ended(seen))) forgetDrawn();
    if (seen.kind === "names" && seen.state === "done") forgetNames();
    part = now;
    if (ended(seen)) events.close();
  };
};

export const start = async (asked: Record<string, unknown>): Promise<string> => {
  const job = await post<Job>("jobs", asked);
  follow(job);
  return job.name;
};

export const stop = (job: string): void => void cancel(job);

export const percent = (value: number | null | undefined, digits = 0): string =>
  value === null || value === undefined ? "–" : `${(100 * value).toFixed(digits)} %`;

export const signed = (value: number, digits = 2): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;

export const save = (name: string, content: Blob): void => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
};

// A table for a spreadsheet; text that a spreadsheet would take for a formula is quoted twice.
export const table = (lines: unknown[][]): Blob => {
  const cell = (value: unknown): string =>
    typeof value === "number" ? String(value) : `"${String(value ?? "").replaceAll('"', '""').replace(/^([=+\-@])/, "'$1")}"`;
  return new Blob([lines.map((line) => line.map(cell).join(",")).join("\n")], { type: "text/csv" });
};
