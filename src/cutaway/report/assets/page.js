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
  const at = new Map(cells.map((cell) => [cell.row * columns + cell.column, cell]));
  const icons = new Map(all("img[data-icon]").map((image) => [image.dataset.icon, image.src]));
  const strongest = cells.reduce((best, cell) => (cell.strength > best.strength ? cell : best));
  const top = Math.max(...cells.flatMap((cell) => cell.values), 1e-9);
  const boards = all("[data-board]", home).map((board) => board.appendChild(boardOf(board.dataset.board)));
  const sides = explanation.channels ?? { arguing_for: [], arguing_against: [] };
  const argued = new Map([...sides.arguing_for, ...sides.arguing_against].map((channel) => [channel.unit, channel]));
  let current = -1;

  function boardOf(name) {
    const board = element("div", { className: "cells" });
    board.style.gridTemplate = `repeat(${rows}, 1fr) / repeat(${columns}, 1fr)`;
    board.setAttribute("role", "group");
    board.setAttribute("aria-label", `Places of the ${name}; walk with the arrow keys`);
    board.classList.toggle("sparse", cells.length < rows * columns);
    for (const [place, { row, column }] of at) {
      const button = element("button", { type: "button", className: "cell", tabIndex: -1 });
      button.dataset.place = place;
      button.setAttribute("aria-label", `Row ${row + 1}, column ${column + 1}`);
      button.style.gridArea = `${row + 1} / ${column + 1}`;
      board.append(button);
    }
    const choose = (event) => event.target.dataset.place && show(Number(event.target.dataset.place));
    board.addEventListener("pointerover", choose);
    board.addEventListener("focusin", choose);
    board.addEventListener("click", choose);
    board.addEventListener("keydown", walk);
    return board;
  }

  // To the nearest place in the arrow's direction; steps aside count double.
  function walk(event) {
    const [down, right] = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key] ?? [];
    if (down === undefined) return;
    event.preventDefault();
    const from = at.get(Number(event.target.dataset.place));
    const cost = (cell) => {
      const [dy, dx] = [cell.row - from.row, cell.column - from.column];
      const ahead = dy * down + dx * right;
      return ahead > 0 ? ahead + 2 * Math.abs(dy * right) + 2 * Math.abs(dx * down) : Infinity;
    };
    const next = cells.reduce((best, cell) => (cost(cell) < cost(best) ? cell : best), from);
    if (cost(next) < Infinity) buttonAt(event.currentTarget, next.row * columns + next.column).focus();
  }

  function buttonAt(board, place) {
    return one(`[data-place="${place}"]`, board);
  }

  function show(place) {
    const cell = at.get(place);
    if (place === current || !cell) return;
    for (const board of boards) {
      const before = buttonAt(board, current), now = buttonAt(board, place);
      before?.classList.remove("here");
      if (before) before.tabIndex = -1;
      now.classList.add("here");
      now.tabIndex = 0;
    }
    current = place;
    const name = `Row ${cell.row + 1}, column ${cell.column + 1}`;
    one("[data-place]", one("[data-entry]")).textContent = name;
    one("[data-strength]").textContent = `${Math.round(100 * cell.strength)} %`;
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
        element("span", { className: "probability", ariaHidden: "true" }, fill),
        element("span", { className: "figure", textContent: real(value, 2) }),
        ...(argued.has(unit) ? [argument(argued.get(unit))] : []),
      ),
    );
    item.addEventListener("pointerenter", () => trace(unit));
    item.addEventListener("focus", () => trace(unit));
    item.addEventListener("pointerleave", () => trace(null));
    item.addEventListener("blur", () => trace(null));
    return item;
  }

  // A channel that has its card above is linked to it.
  function argument({ unit, attribution, ablation }) {
    const gain = real(-ablation.change, 2);
    return element("a", {
      className: "argued",
      href: `#channel-${unit.split(":").at(-1)}`,
      textContent: `${attribution >= 0 ? "for" : "against"}, measured ${-ablation.change >= 0.005 ? "+" : ""}${gain}`,
    });
  }

  // Light up every place where the unit is among the strongest.
  function trace(unit) {
    home.classList.toggle("tracing", unit !== null);
    for (const board of boards) {
      for (const button of board.children) {
        button.classList.toggle("among", unit !== null && at.get(Number(button.dataset.place))?.units.includes(unit));
      }
    }
  }

  show(strongest.row * columns + strongest.column);
}

if (explanation.dictionary?.cells.length) dictionary(explanation.dictionary);
