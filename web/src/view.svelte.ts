// The view: a small object that lives in the address, so that a link or a reload shows the same.
import { cancel, get, post, url, type Job, type ModelFacts, type StoreFacts, type Subset } from "./api";

export const PANELS = ["units", "matrix", "map", "picture", "live"] as const;
export type Panel = (typeof PANELS)[number];

type View = { store: string; layer: string; panel: Panel; unit: string; picture: string; where: string; method: string };

const EMPTY: View = { store: "", layer: "", panel: "units", unit: "", picture: "", where: "", method: "grad_cam" };

const read = (): View => {
  const given = new URLSearchParams(location.hash.slice(1));
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
    const known = await get<Job[]>("jobs");
    known.filter((job) => job.state === "running" || job.state === "waiting").forEach(follow);
  } catch (error) {
    facts.error = (error as Error).message;
  }
};

export const subsets = $state<{ own: Subset[]; chosen: number[] }>({ own: [], chosen: [] });

// Jobs: long work on the server, watched here; they go on when the page is closed, and are found again by their names.
export const jobs = $state<Record<string, Job>>({});

export const follow = (job: Job): void => {
  if (jobs[job.name] && jobs[job.name].state !== "failed" && jobs[job.name].state !== "cancelled") return;
  jobs[job.name] = job;
  const events = new EventSource(url(`jobs/${job.name}/events`));
  events.onmessage = (event) => {
    const seen = JSON.parse(event.data) as Job;
    jobs[seen.name] = seen;
    if (seen.state !== "running" && seen.state !== "waiting") events.close();
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

export const save = (name: string, content: Blob): void => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
};
