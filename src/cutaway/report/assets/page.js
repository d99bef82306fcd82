// Three small helps over a page that reads well without them: the slider, the cross-hair, the dictionary.
"use strict";
document.documentElement.classList.add("js");
const explanation = JSON.parse(document.getElementById("explanation").textContent);
const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// The slider runs from the picture (0) over the map on the picture (50) to the map alone (100).
const maps = one("[data-maps]");
const slider = one("#mix");
slider?.addEventListener("input", () => maps.style.setProperty("--mix", slider.value / 100));

// The same place on every picture of the page.
for (const stack of all("[data-stack]")) {
  stack.addEventListener("pointermove", (event) => {
    const box = stack.getBoundingClientRect();
    document.body.style.setProperty("--x", `${(100 * (event.clientX - box.left)) / box.width}%`);
    document.body.style.setProperty("--y", `${(100 * (event.clientY - box.top)) / box.height}%`);
    document.body.classList.add("pointing");
  });
  stack.addEventListener("pointerleave", () => document.body.classList.remove("pointing"));
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const real = (value, digits) => value.toFixed(digits).replace(/^-(?=0\.?0*$)/, "").replace("-", "−");

// The dictionary: a board of places over each picture, one of them current, and its entry beside them.
function dictionary({ cells, grid: [rows, columns] }) {
  const home = one("[data-places]");
  const icons = new Map(all("img[data-icon]").map((image) => [image.dataset.icon, image.src]));
  const strongest = (some) => some.reduce((best, cell) => (cell.strength > best.strength ? cell : best));
  const top = Math.max(...cells.flatMap((cell) => cell.values), 1e-9);
  const sides = explanation.channels ?? { arguing_for: [], arguing_against: [] };
  const argued = new Map([...sides.arguing_for, ...sides.arguing_against].map((channel) => [channel.unit, channel]));
  const tiles = all("[data-board]", home).flatMap(tilesOf);
  let current = null;

  // The picture has a tile for each place; the activation grid may be coarser, and its tiles hold several places.
  function tilesOf(figure) {
    const coarse = figure.dataset.board === "grid" ? explanation.grid : { rows, columns };
    const board = element("div", { className: "cells" });
    board.style.gridTemplate = `repeat(${coarse.rows}, 1fr) / repeat(${coarse.columns}, 1fr)`;
    board.classList.toggle("sparse", cells.length < rows * columns);
    board.setAttribute("role", "group");
    board.setAttribute("aria-label", `Places of the ${figure.dataset.board}; walk with the arrow keys`);
    const held = new Map();
    for (const cell of cells) {
      const row = Math.floor(((cell.row + 0.5) * coarse.rows) / rows);
      const index = row * coarse.columns + Math.floor(((cell.column + 0.5) * coarse.columns) / columns);
      held.set(index, [...(held.get(index) ?? []), cell]);
    }
    const made = [...held].map(([index, some]) => {
      const row = Math.floor(index / coarse.columns), column = index % coarse.columns;
      const node = element("button", { type: "button", className: "cell", tabIndex: -1 });
      node.style.gridArea = `${row + 1} / ${column + 1}`;
      node.setAttribute("aria-label", `Row ${row + 1}, column ${column + 1}`);
      const tile = { node, row, column, held: some };
      for (const event of ["pointerover", "focus", "click"]) node.addEventListener(event, () => show(tile));
      return tile;
    });
    board.addEventListener("keydown", (event) => walk(event, made));
    board.append(...made.map((tile) => tile.node));
    figure.append(board);
    return made;
  }

  // To the nearest tile in the arrow's direction; steps aside count double.
  function walk(event, neighbours) {
    const [down, right] = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key] ?? [];
    if (down === undefined) return;
    event.preventDefault();
    const from = neighbours.find((tile) => tile.node === event.target);
    const cost = (tile) => {
      const [dy, dx] = [tile.row - from.row, tile.column - from.column];
      const ahead = dy * down + dx * right;
      return ahead > 0 ? ahead + 2 * Math.abs(dy * right) + 2 * Math.abs(dx * down) : Infinity;
    };
    const next = neighbours.reduce((best, tile) => (cost(tile) < cost(best) ? tile : best), from);
    if (cost(next) < Infinity) next.node.focus();
  }

  function show({ held }) {
    if (held.includes(current)) return;
    const cell = strongest(held);
    current = cell;
    for (const tile of tiles) {
      const here = tile.held.includes(cell);
      tile.node.classList.toggle("here", here);
      tile.node.tabIndex = here ? 0 : -1;
    }
    const name = `Row ${cell.row + 1}, column ${cell.column + 1}`;
    one("[data-place]", home).textContent = name;
    one("[data-strength]").textContent = `${Math.round(100 * cell.strength)}\u202f%`;
    one("[data-units]").replaceChildren(...cell.units.map((unit, k) => entryOf(unit, cell.values[k], cell.icons[k])));
    one("[data-announce]").textContent = `${name}: ${cell.units.join(", ")}`;
  }

  function entryOf(unit, value, icon) {
    const fill = element("i");
    fill.style.width = `${(100 * Math.max(value, 0)) / top}%`;
    const item = element(
      "li",
      { tabIndex: 0 },
      icon
        ? element("img", { src: icons.get(icon), alt: `What excites ${unit}` })
        : element("span", { className: "undrawn", textContent: "not drawn" }),
      element(
        "div",
        {},
        element("code", { textContent: unit }),
        ...(unit in explanation.names ? [" ", element("span", { className: "called", textContent: explanation.names[unit].text })] : []),
        element("span", { className: "probability", ariaHidden: "true" }, fill),
        element("span", { className: "figure", textContent: real(value, 2) }),
        ...(argued.has(unit) ? [argument(argued.get(unit))] : []),
      ),
    );
    for (const event of ["pointerenter", "focus"]) item.addEventListener(event, () => trace(unit));
    for (const event of ["pointerleave", "blur"]) item.addEventListener(event, () => trace(null));
    return item;
  }

  // A channel that has its card above is linked to it.
  function argument({ unit, attribution, ablation }) {
    const gain = `${-ablation.change >= 0.005 ? "+" : ""}${real(-ablation.change, 2)}`;
    return element("a", {
      className: "argued",
      href: `#channel-${unit.split(":").at(-1)}`,
      textContent: `${attribution >= 0 ? "for" : "against"}, measured ${gain}`,
    });
  }

  // Light up every place where the unit is among the strongest.
  function trace(unit) {
    home.classList.toggle("tracing", unit !== null);
    for (const { node, held } of tiles) {
      node.classList.toggle("among", unit !== null && held.some((cell) => cell.units.includes(unit)));
    }
  }

  show(tiles.find((tile) => tile.held.includes(strongest(cells))));
}

if (explanation.dictionary?.cells.length) dictionary(explanation.dictionary);
