// A small picture beside the answer: it lets what was asked go first, and is not fetched any more once its place is gone.

export function fleeting(node: HTMLImageElement): { destroy: () => void } {
  node.fetchPriority = "low";
  return { destroy: () => { if (!node.complete) node.removeAttribute("src"); } };
}
