// The one typed client of the workbench's interface.
import { answered, picture, saved } from "./saved";

export type Layer = { name: string; channels: number; grid: [number, number]; kind?: string };
export type ModelFacts = {
  name: string; note: string; input: number[]; classes: number; labels: string[]; layers: Layer[]; methods: string[];
};
export type StoreFacts = {
  model: string; data: string; count: number; failed: number; labels: string[]; predictions: string[]; layers: Layer[];
  columns: Record<string, string>;
};
export type Row = {
  instance: number; key: string; label: string | null; prediction: string | null; probability: number | null;
  runner_up: string | null; margin: number | null; loss: number | null; correct: boolean | null; error: string | null;
};
export type Top = { instance: number; value: number; place: [number, number] };
export type UnitFacts = {
  unit: string; channel: number; mean: number; deviation: number; active: number; quantiles: number[]; top: Top[];
};
export type Prediction = { index: number; label: string; probability: number; logit: number };
export type Matrix = {
  layer: string; names: string[]; counts: number[]; wrong: number[]; channels: number[]; values: (number | null)[][];
  mean: number[]; deviation: number[];
};
export type InstanceMatrix = { layer: string; show: string; channels: number[]; values: (number | null)[][]; rows: Row[] };
export type Channel = { unit: string; value: number; activation: number; place: [number, number] };
export type Channels = { target: number; versus: number | null; score: number; for: Channel[]; against: Channel[] };
export type Dictionary = {
  layer: string; rows: number; columns: number; channels: number[][]; values: number[][]; strength: number[];
};
export type Job = {
  name: string; title: string; state: "waiting" | "running" | "done" | "failed" | "cancelled";
  kind: string; done: number; total: number; says: string; version: number;
};
export type Graph = {
  source: string;
  nodes: { name: string; kind: string; layer: string | null; shape: number[]; parameters: number }[];
  edges: [string, string][];
};
export type Frame = {
  predictions: Prediction[];
  layers: { layer: string; channels: number[]; values: number[]; mean: number }[];
};
export type Group = { channels: number[]; pictures: number[]; weight: number };
export type Subset = { name: string; where?: string; instances?: number[]; unit?: string };
export type UnitName = { text: string; score: number; others: string[] };
export type PictureGroups = {
  layer: string; target: number; rows: number; columns: number; left_over: number;
  groups: { channels: number[]; map: number[]; estimated: number; measured: number }[];
};

async function answer(response: Response): Promise<any> {
  if (response.ok) return response.json();
  const said = await response.json().catch(() => ({ error: response.statusText }));
  throw new Error(said.error ?? response.statusText);
}

export const url = (path: string, query: Record<string, unknown> = {}): string => {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) value.forEach((each) => words.append(name, String(each)));
    else if (value !== undefined && value !== null && value !== "") words.set(name, String(value));
  }
  const text = words.toString();
  return `api/${path}${text ? `?${text}` : ""}`;
};

// The address of a picture, for an image.
export const image = (path: string, query: Record<string, unknown> = {}): string => picture(url(path, query));

export const get = <T>(path: string, query: Record<string, unknown> = {}): Promise<T> =>
  answered(url(path, query), async () => answer(await fetch(url(path, query))));

export const post = <T>(path: string, body: unknown): Promise<T> => {
  const content = JSON.stringify(body);
  const headers = { "content-type": "application/json" };
  return answered(`${url(path)} ${content}`, async () => answer(await fetch(url(path), { method: "POST", headers, body: content })));
};

export const send = async <T>(path: string, query: Record<string, unknown>, body: Blob): Promise<T> => {
  if (saved) throw new Error("a saved page takes no pictures; open the workbench");
  return answer(await fetch(url(path, query), { method: "POST", body }));
};

export const cancel = (job: string): Promise<Job> => fetch(url(`jobs/${job}`), { method: "DELETE" }).then(answer);

export const points = async (store: string, layer: string, method: string): Promise<Float32Array> => {
  const address = url(`stores/${store}/projection`, { layer, method });
  const found = await answered(address, async () => {
    const response = await fetch(address);
    if (!response.ok) await answer(response);
    return [...new Float32Array(await response.arrayBuffer())];
  });
  return new Float32Array(saved ? found.map((value) => value ?? NaN) : found); // what is no number is null in JSON
};
