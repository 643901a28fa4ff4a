// Pictures and tables as files.

/** What of an element's style goes into a picture that stands alone, and what holds where nothing is written. */
const INHERITED: Record<string, string> = {
  "fill": "rgb(0, 0, 0)", "fill-opacity": "1", "stroke": "none", "stroke-width": "1px", "stroke-opacity": "1",
  "stroke-dasharray": "none", "stroke-linecap": "butt", "stroke-linejoin": "miter", "font-family": "", "font-size": "",
  "font-weight": "400", "font-style": "normal", "font-variant-numeric": "normal", "text-anchor": "start",
  "paint-order": "normal", "shape-rendering": "auto", "direction": "ltr", "visibility": "visible",
};
const OWN: Record<string, string> = { "opacity": "1", "dominant-baseline": "auto", "unicode-bidi": "normal" };
const SVG = "http://www.w3.org/2000/svg";
/** Pixels of a PNG for each of its picture's, and as many more as make it this wide. */
const LEAST_SCALE = 2;
const LEAST_WIDTH = 1600;
/** White around a picture. */
const MARGIN = 10;

export interface Picture {
  svg: SVGSVGElement;
  title: string;
  description: string;
}

/**
 * A picture on the page as an SVG file that needs no style sheet: in the light colours on white, whatever the page's are,
 * without what is marked `data-screen-only`.
 */
export function svgFile({ svg, title, description }: Picture): { text: string; width: number; height: number } {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  copy.querySelectorAll("[data-screen-only]").forEach((element) => element.remove());
  const box = boxOf(svg);
  const light = document.createElement("div");
  light.className = "light off-screen";
  light.append(copy);
  document.body.append(light);
  try {
    [copy, ...copy.querySelectorAll<SVGElement>("*")].map(inlineStyles).forEach((write) => write());
  } finally {
    light.remove();
  }
  const { x, y, width, height } = box;
  for (const [name, value] of Object.entries({ xmlns: SVG, role: "img", width, height, viewBox: `${x} ${y} ${width} ${height}` })) {
    copy.setAttribute(name, String(value));
  }
  for (const name of ["tabindex", "aria-hidden"]) copy.removeAttribute(name);
  copy.prepend(element("title", title), element("desc", description), ground(box));
  return { text: `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`, width, height };
}

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The picture's part of the plane, with its margin. */
function boxOf(svg: SVGSVGElement): Box {
  const given = svg.viewBox.baseVal;
  const { x, y, width, height } = given && given.width > 0 ? given : { x: 0, y: 0, width: svg.clientWidth, height: svg.clientHeight };
  return { x: x - MARGIN, y: y - MARGIN, width: width + 2 * MARGIN, height: height + 2 * MARGIN };
}

/** Reads what of an element's style is not as its parent's; what it gives writes it. All are read before any is written. */
function inlineStyles(element: SVGElement): () => void {
  if (element.closest("defs, style, title, desc")) return () => undefined;
  const computed = getComputedStyle(element);
  const parent = element.parentElement instanceof SVGElement ? getComputedStyle(element.parentElement) : null;
  const written: [string, string][] = [];
  const add = (name: string, usual: string) => {
    const value = computed.getPropertyValue(name);
    if (value && value !== usual) written.push([name, value.replace(/url\("(#[^"]*)"\)/g, "url($1)")]);
  };
  for (const [name, start] of Object.entries(INHERITED)) add(name, parent ? parent.getPropertyValue(name) : start);
  for (const [name, start] of Object.entries(OWN)) add(name, start);
  const isHidden = computed.display === "none";
  return () => {
    for (const name of ["class", "style", ...Object.keys(INHERITED), ...Object.keys(OWN)]) element.removeAttribute(name);
    for (const [name, value] of written) element.setAttribute(name, value);
    if (isHidden) element.remove();
  };
}

function element(name: "title" | "desc", text: string): SVGElement {
  const made = document.createElementNS(SVG, name);
  // XML has no way to write most control characters.
  made.textContent = text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
  return made;
}

function ground(box: Box): SVGElement {
  const rect = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ ...box, fill: "#ffffff" })) rect.setAttribute(name, String(value));
  return rect;
}

/** The picture as a PNG of at least twice its size. */
export async function pngFile(picture: Picture): Promise<Blob> {
  const { text, width, height } = svgFile(picture);
  const scale = Math.max(LEAST_SCALE, LEAST_WIDTH / width);
  const address = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
    if (!blob) throw new Error(`the browser cannot make a picture of ${canvas.width} × ${canvas.height} pixels`);
    return blob;
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** Offers a file to the reader. */
export function save(content: Blob | string, name: string, type: string): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // The download begins after this turn.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A file's name of several parts: letters, digits and what is harmless everywhere. */
export function fileName(...parts: (string | number | null)[]): string {
  const clean = parts.map((part) => String(part ?? "").normalize("NFKC").replace(/[^\p{L}\p{N}_.]+/gu, "-").replace(/^[-.]+|[-.]+$/g, ""));
  return [...clean.filter(Boolean).join("-")].slice(0, 100).join("") || "causal-trace";
}
