// Two boards over a page that reads well without them: the dictionary's, and that of the places behind a place.
"use strict";
document.documentElement.classList.add("js");
const { words, influence, grid } = JSON.parse(document.getElementById("blocks").textContent);
const one = (selector) => document.querySelector(selector);
const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

// A button for each place; show(index) is told which one is pointed at, and the arrow keys walk.
function board(name, [rows, columns], show, first) {
  const stack = one(`[data-board="${name}"]`);
  const cells = element("div", { className: "cells" });
  cells.style.gridTemplate = `repeat(${rows}, 1fr) / repeat(${columns}, 1fr)`;
  cells.setAttribute("role", "group");
  cells.setAttribute("aria-label", "Places; walk with the arrow keys");
  const buttons = Array.from({ length: rows * columns }, (_, index) => {
    const label = `Row ${Math.floor(index / columns) + 1}, column ${(index % columns) + 1}`;
    const button = element("button", { type: "button", className: "cell", tabIndex: -1, ariaLabel: label });
    for (const event of ["pointerover", "focus", "click"]) button.addEventListener(event, () => choose(index));
    return button;
  });
  function choose(index) {
    buttons.forEach((button, each) => {
      button.classList.toggle("here", each === index);
      button.tabIndex = each === index ? 0 : -1;
    });
    show(index, `row ${Math.floor(index / columns) + 1}, column ${(index % columns) + 1}`);
  }
  cells.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    const from = buttons.indexOf(event.target);
    if (step === undefined || buttons[from + step] === undefined) return;
    event.preventDefault();
    buttons[from + step].focus();
  });
  cells.append(...buttons);
  stack.append(cells);
  choose(first);
}

const icons = new Map([...document.querySelectorAll("img[data-icon]")].map((image) => [image.dataset.icon, image.src]));
function spell(index) {
  const place = words[index];
  one("[data-place]").textContent = `Row ${place.row + 1}, column ${place.column + 1}`;
  one("[data-strength]").textContent = `${Math.round(100 * place.strength)}\u202f%`;
  one("[data-units]").replaceChildren(
    ...place.channels.map((channel, k) =>
      element(
        "li",
        {},
        place.icons[k]
          ? element("img", { src: icons.get(place.icons[k]), alt: `What excites channel ${channel}` })
          : element("span", { className: "undrawn", textContent: "not drawn" }),
        element(
          "div",
          {},
          element("code", { textContent: `${influence.layer}:${channel}` }),
          element("span", { className: "figure", textContent: place.values[k].toFixed(2).replace("-", "−") }),
        ),
      ),
    ),
  );
}
const strongest = (values) => values.reduce((best, value, index) => (Math.abs(value) > Math.abs(values[best]) ? index : best), 0);
board("words", grid, spell, strongest(words.map((place) => place.strength)));

// Orange for, blue against, as strong as the value; the browser's own smoothing enlarges it.
const canvas = one('[data-board="source"] canvas');
[canvas.height, canvas.width] = influence.behind;
const brush = canvas.getContext("2d");
function behind(index, name) {
  const values = influence.through[index];
  const pixels = brush.createImageData(canvas.width, canvas.height);
  values.forEach((value, k) => {
    const colour = value >= 0 ? [184, 77, 6] : [31, 98, 168];
    pixels.data.set([...colour, Math.min(255, 2.55 * Math.abs(value) * 1.1)], 4 * k);
  });
  brush.putImageData(pixels, 0, 0);
  one("[data-behind]").textContent = `${influence.layer}, ${name}`;
}
board("layer", influence.grid, behind, strongest(influence.values));
