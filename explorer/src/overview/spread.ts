// Labels beside the ends of lines that may lie close together.

/** Places at least `gap` apart and within the bounds, as near to where they belong as their order allows. */
export function spread(wanted: number[], gap: number, low: number, high: number): number[] {
  const order = wanted.map((_, at) => at).sort((one, other) => (wanted[one] ?? 0) - (wanted[other] ?? 0));
  const step = Math.min(gap, (high - low) / Math.max(wanted.length - 1, 1));
  // Groups of neighbours that touch lie around the middle of where they belong.
  const groups: { sum: number; count: number }[] = [];
  const start = ({ sum, count }: { sum: number; count: number }) =>
    Math.min(Math.max(sum / count - ((count - 1) * step) / 2, low), high - (count - 1) * step);
  for (const at of order) {
    groups.push({ sum: wanted[at] ?? 0, count: 1 });
    for (;;) {
      const [before, last] = [groups.at(-2), groups.at(-1)];
      if (!before || !last || start(before) + before.count * step <= start(last)) break;
      groups.splice(-2, 2, { sum: before.sum + last.sum, count: before.count + last.count });
    }
  }
  const places: number[] = [];
  let next = 0;
  for (const group of groups) {
    for (let within = 0; within < group.count; within++) places[order[next++] ?? 0] = start(group) + within * step;
  }
  return places;
}
