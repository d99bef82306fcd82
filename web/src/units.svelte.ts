// What is known of units beside their numbers: which of them were drawn, and what they are called. Fetched once a layer.
import { get, type UnitName } from "./api";

class Known {
  drawn = $state.raw<Record<string, Set<number>>>({});
  names = $state.raw<Record<string, { captions: number; names: Record<number, UnitName> }>>({});
}
const known = new Known();
const asked = new Set<string>();

const once = <T>(kind: string, key: string, ask: () => Promise<T>, keep: (found: T) => void): void => {
  if (asked.has(kind + key)) return;
  asked.add(kind + key);
  ask().then(keep, () => undefined); // without it the page only shows less
};

export const needDrawn = (model: string, layer: string): void =>
  once("drawn", `${model} ${layer}`, () => get<number[]>(`models/${model}/drawn`, { layer }), (found) => {
    known.drawn = { ...known.drawn, [`${model} ${layer}`]: new Set(found) };
  });

export const needNames = (store: string, layer: string): void =>
  once("names", `${store} ${layer}`, () => get<(typeof known.names)[string]>(`stores/${store}/names`, { layer }), (found) => {
    known.names = { ...known.names, [`${store} ${layer}`]: found };
  });

export const isDrawn = (model: string, layer: string, channel: number): boolean => known.drawn[`${model} ${layer}`]?.has(channel) ?? false;

export const namesOf = (store: string, layer: string): Record<number, UnitName> => known.names[`${store} ${layer}`]?.names ?? {};

export const captionsOf = (store: string, layer: string): number => known.names[`${store} ${layer}`]?.captions ?? 0;

export const parts = (unit: string): [string, number] => {
  const cut = unit.lastIndexOf(":");
  return [unit.slice(0, cut), Number(unit.slice(cut + 1))];
};

// Something was drawn, or named: ask again for the layers that are on the page.
export const forgetDrawn = (): void => again("drawn", Object.keys(known.drawn), needDrawn);
export const forgetNames = (): void => again("names", Object.keys(known.names), needNames);

const again = (kind: string, keys: string[], need: (owner: string, layer: string) => void): void => {
  for (const key of keys) {
    asked.delete(kind + key);
    const cut = key.indexOf(" ");
    need(key.slice(0, cut), key.slice(cut + 1));
  }
};
