// Drawing of the map of pictures: plain TypeScript on a canvas.

// Okabe and Ito's colours for colour-blind people, then their darker kin.
export const COLOURS = ["#b84d06", "#1f62a8", "#2a8a68", "#c58a00", "#a8508f", "#3aa0c9", "#6b6b6b", "#7a4b1e", "#4b3fa0", "#8aa000"];

export const OTHERS = "#9a978e";
export const colourOf = (index: number): string => COLOURS[index] ?? OTHERS;

export type Shown = { points: Float32Array; classes: number[]; correct: number[]; chosen: Set<number>; by: "class" | "correct" };
export type Frame = { width: number; height: number; scale: number; x: number; y: number };

export const toScreen = (frame: Frame, x: number, y: number): [number, number] => {
  const half = (Math.min(frame.width, frame.height) / 2) * 0.95;
  return [frame.width / 2 + (x - frame.x) * half * frame.scale, frame.height / 2 - (y - frame.y) * half * frame.scale];
};

export const toMap = (frame: Frame, left: number, top: number): [number, number] => {
  const half = (Math.min(frame.width, frame.height) / 2) * 0.95;
  return [(left - frame.width / 2) / half / frame.scale + frame.x, (frame.height / 2 - top) / half / frame.scale + frame.y];
};

export const draw = (canvas: HTMLCanvasElement, frame: Frame, shown: Shown, lasso: [number, number][], ink: string): void => {
  const context = canvas.getContext("2d");
  if (!context) return;
  const ratio = devicePixelRatio || 1;
  canvas.width = frame.width * ratio;
  canvas.height = frame.height * ratio;
  context.scale(ratio, ratio);
  const count = shown.points.length / 2;
  const radius = count > 20000 ? 1.3 : count > 4000 ? 1.9 : 3;
  const some = shown.chosen.size > 0;
  for (let number = 0; number < count; number++) {
    const [x, y] = toScreen(frame, shown.points[2 * number], shown.points[2 * number + 1]);
    const wrong = shown.correct[number] === 0;
    context.globalAlpha = some && !shown.chosen.has(number) ? 0.12 : 0.75;
    context.fillStyle = context.strokeStyle =
      shown.by === "correct" ? (wrong ? COLOURS[0] : "#8b8a84") : colourOf(shown.classes[number]);
    context.beginPath();
    if (shown.by === "correct" && wrong) context.rect(x - radius, y - radius, 2 * radius, 2 * radius);
    else context.arc(x, y, radius, 0, 7);
    context.fill();
  }
  context.globalAlpha = 1;
  if (lasso.length > 1) {
    context.strokeStyle = ink;
    context.setLineDash([5, 4]);
    context.beginPath();
    lasso.forEach(([x, y], step) => (step ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    context.stroke();
  }
};

export const nearest = (frame: Frame, points: Float32Array, left: number, top: number): number => {
  let best = -1, least = 144;
  for (let number = 0; number < points.length / 2; number++) {
    const [x, y] = toScreen(frame, points[2 * number], points[2 * number + 1]);
    const apart = (x - left) ** 2 + (y - top) ** 2;
    if (apart < least) [best, least] = [number, apart];
  }
  return best;
};
