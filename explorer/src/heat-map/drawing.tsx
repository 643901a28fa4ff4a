import { useId, useMemo } from "preact/hooks";
import type { Cell } from "../state.ts";
import { pieces, type Spaces } from "../token-text.tsx";
import { cellPaths } from "./cells.ts";
import { ends, isFlat } from "./color-scale.ts";
import { cellBox, LABEL_SIZE, round, SMALL_SIZE, TITLE_SIZE, type Layout, type Line } from "./layout.ts";
import type { HeatMapData } from "./model.ts";
import { classes, css } from "./ramp.ts";

interface DrawingProps {
  data: HeatMapData;
  layout: Layout;
  cell: Cell | null;
}

/** The picture. What it says is said by the grid over it, so readers pass it over. */
export function Drawing({ data, layout, cell }: DrawingProps) {
  const id = useId();
  const { plot, bar, width, height } = layout;
  const { values, columns, rows, scale } = data;
  const paths = useMemo(() => cellPaths({ values, columns, rows, scale }, plot), [values, columns, rows, scale, layout]);
  return (
    <svg class="heat-map-drawing" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <defs>
        <Gradient id={`${id}ramp`} data={data} />
        <pattern id={`${id}empty`} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="6" height="6" fill="#ffffff" />
          <rect width="1.5" height="6" fill="#b8b8b8" />
        </pattern>
      </defs>
      <Lines lines={layout.title} size={TITLE_SIZE} weight={600} anchor="start" />
      <Lines lines={[layout.measure]} size={SMALL_SIZE} anchor="end" />
      <g class="cells" shape-rendering="crispEdges">
        {[...paths].map(([color, path]) => <path key={color} d={path} fill={color || `url(#${id}empty)`} />)}
      </g>
      <rect class="frame" x={plot.x} y={plot.y} width={plot.width} height={plot.height} />
      <RowLabels data={data} layout={layout} />
      <ColumnTicks data={data} layout={layout} />
      <Lines lines={layout.columnAxis} size={SMALL_SIZE} anchor="middle" />
      <rect class="cells" x={bar.x} y={bar.y} width={bar.width} height={bar.height} fill={`url(#${id}ramp)`} />
      <rect class="frame" x={bar.x} y={bar.y} width={bar.width} height={bar.height} />
      <BarTicks data={data} layout={layout} />
      <Lines lines={layout.note} size={SMALL_SIZE} anchor="start" quiet />
      {cell && <Ring data={data} layout={layout} cell={cell} />}
    </svg>
  );
}

function Lines({ lines, size, anchor, weight = 400, quiet = false }: {
  lines: Line[]; size: number; anchor: "start" | "middle" | "end"; weight?: number; quiet?: boolean;
}) {
  return (
    <g class={quiet ? "quiet" : undefined} font-size={size} font-weight={weight} text-anchor={anchor}>
      {lines.map(({ text, x, y }) => <text key={y} x={round(x)} y={round(y)}>{text}</text>)}
    </g>
  );
}

function RowLabels({ data, layout: { plot, rowLabels } }: { data: HeatMapData; layout: Layout }) {
  const height = plot.height / Math.max(rowLabels.length, 1);
  return (
    <g font-size={LABEL_SIZE} text-anchor="end">
      {rowLabels.map((label, row) => (
        <text key={row} x={plot.x - 6} y={round(plot.y + (row + 0.5) * height + LABEL_SIZE * 0.35)}>
          <Label label={label} exact={data.rows[row]?.label ?? ""} spaces={data.rowKind === "token" ? "all" : "odd"} />
          {data.rows[row]?.mark}
        </text>
      ))}
    </g>
  );
}

/** A label, its marks paler than its letters: those of the exact text that stand where the label has them. */
function Label({ label, exact, spaces }: { label: string; exact: string; spaces: Spaces }) {
  let rest = label;
  const parts = [];
  for (const { text, stands } of pieces(exact.slice(0, 400), spaces)) {
    const shown = rest.startsWith(text) ? text : rest;
    if (!shown) break;
    parts.push(<tspan key={parts.length} class={stands === null ? "letters" : "mark"}>{shown}</tspan>);
    rest = rest.slice(shown.length);
  }
  return <>{parts}{rest}</>;
}

function ColumnTicks({ data, layout: { plot, columnStep } }: { data: HeatMapData; layout: Layout }) {
  const width = plot.width / Math.max(data.columns, 1);
  const bottom = plot.y + plot.height;
  const columns = Array.from({ length: Math.ceil(data.columns / columnStep) }, (_, at) => at * columnStep);
  return (
    <g font-size={SMALL_SIZE} text-anchor="middle">
      {columns.map((column) => {
        const x = round(plot.x + (column + 0.5) * width);
        return (
          <g key={column}>
            <line class="tick" x1={x} x2={x} y1={bottom} y2={bottom + 4} />
            <text x={x} y={bottom + 15}>{column}</text>
          </g>
        );
      })}
    </g>
  );
}

function BarTicks({ data, layout: { bar, ticks } }: { data: HeatMapData; layout: Layout }) {
  const { low, high } = ends(data.scale);
  const end = bar.x + bar.width;
  return (
    <g font-size={SMALL_SIZE}>
      {ticks.map(({ value, label }) => {
        const y = round(bar.y + bar.height * (isFlat(data.scale) ? 1 : 1 - (value - low) / (high - low)));
        return (
          <g key={label}>
            <line class="tick" x1={end} x2={end + 4} y1={y} y2={y} />
            <text x={end + 6} y={round(y + SMALL_SIZE * 0.35)}>{label}</text>
          </g>
        );
      })}
    </g>
  );
}

/** From the scale's smaller end at the bottom to its larger end at the top. */
function Gradient({ id, data: { scale } }: { id: string; data: HeatMapData }) {
  const flat = isFlat(scale);
  const colors = [...classes(scale.ramp)];
  if (scale.dark < scale.pale) colors.reverse();
  const last = colors.length - 1;
  // Colours that darken with the root stand at the squares of their places.
  const place = (at: number) => (scale.root ? (at / last) ** 2 : at / last);
  const only = scale.ramp === "diverging" ? colors[last / 2] : colors[0];
  return (
    <linearGradient id={id} x1="0" x2="0" y1="1" y2="0">
      {flat && only !== undefined
        ? <stop offset="0" stop-color={css(only)} />
        : colors.map((color, at) => <stop key={at} offset={place(at)} stop-color={css(color)} />)}
    </linearGradient>
  );
}

/** Around the cell that is read: black on white, to be seen on every colour. */
function Ring({ data, layout, cell }: { data: HeatMapData; layout: Layout; cell: Cell }) {
  const { x, y, width, height } = cellBox(layout.plot, data.rows.length, data.columns, cell);
  const box = { x: x - 1, y: y - 1, width: width + 2, height: height + 2 };
  return (
    <g data-screen-only>
      <rect class="ring-under" {...box} />
      <rect class="ring" {...box} />
    </g>
  );
}
