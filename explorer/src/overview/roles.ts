// The six parts that tokens play (docs/statistics.md), and how their lines look.

/** In the order of the tables. */
export const ROLES = [
  "first subject token", "middle subject tokens", "last subject token", "first subsequent token", "further tokens", "last token",
] as const;

/** At the ends of lines, where there is little room. */
export const SHORT_ROLES = ["first subject", "middle subject", "last subject", "first subsequent", "further", "last"] as const;

/**
 * Lines are told apart by hue, by lightness and by their dashes, as in the printed figures (crates/report/src/layout/looks.rs).
 * The colours stand in chart.css.
 */
export const LOOKS = [
  { color: "var(--line-1)", dashes: "7 3.5" },
  { color: "var(--line-2)", dashes: "2 3" },
  { color: "var(--line-3)", dashes: "none" },
  { color: "var(--line-4)", dashes: "8 3 2 3" },
  { color: "var(--line-5)", dashes: "14 4" },
  { color: "var(--line-6)", dashes: "none" },
] as const;
