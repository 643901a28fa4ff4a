// Pictures and tables as files.

/** What of an element's style goes into a picture that stands alone. */
const STYLES = [
  "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap", "stroke-linejoin",
  "opacity", "font-family", "font-size", "font-weight", "font-style", "font-variant-numeric", "text-anchor",
  "dominant-baseline", "paint-order", "shape-rendering", "unicode-bidi", "direction", "display", "visibility",
];
const SVG = "http://www.w3.org/2000/svg";
/** Pixels of a PNG for each of its picture's, and as many more as make it this wide. */
const LEAST_SCALE = 2;
const LEAST_WIDTH = 1600;

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
  const { width, height } = sizeOf(svg);
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const light = document.createElement("div");
  light.className = "light off-screen";
  light.append(copy);
  document.body.append(light);
  try {
    copy.querySelectorAll("[data-screen-only]").forEach((element) => element.remove());
    const elements = [copy, ...copy.querySelectorAll<SVGElement>("*")];
    elements.map(inlineStyles).forEach((write) => write());
  } finally {
    light.remove();
  }
  copy.setAttribute("xmlns", SVG);
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  copy.setAttribute("viewBox", copy.getAttribute("viewBox") ?? `0 0 ${width} ${height}`);
  copy.setAttribute("role", "img");
  for (const name of ["class", "style", "tabindex", "aria-hidden"]) copy.removeAttribute(name);
  copy.prepend(element("title", title), element("desc", description), ground(copy));
  return { text: `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`, width, height };
}

function sizeOf(svg: SVGSVGElement): { width: number; height: number } {
  const box = svg.viewBox.baseVal;
  if (box && box.width > 0) return { width: box.width, height: box.height };
  const { width, height } = svg.getBoundingClientRect();
  return { width, height };
}

/** Reads an element's styles; what it gives writes them. All are read before any is written, since each inherits. */
function inlineStyles(element: SVGElement): () => void {
  if (element.closest("defs, style, title, desc")) return () => undefined;
  const computed = getComputedStyle(element);
  const styles = STYLES.map((name) => [name, computed.getPropertyValue(name)] as const);
  return () => {
    element.removeAttribute("class");
    element.removeAttribute("style");
    for (const [name, value] of styles) if (value) element.setAttribute(name, value);
  };
}

function element(name: "title" | "desc", text: string): SVGElement {
  const made = document.createElementNS(SVG, name);
  // XML has no way to write most control characters.
  made.textContent = text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd");
  return made;
}

function ground(svg: SVGSVGElement): SVGElement {
  const rect = document.createElementNS(SVG, "rect");
  const box = svg.viewBox.baseVal;
  const place = { x: box?.x ?? 0, y: box?.y ?? 0, width: "100%", height: "100%", fill: "#ffffff" };
  for (const [name, value] of Object.entries(place)) rect.setAttribute(name, String(value));
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
