import { render } from "preact";
import { useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Picture } from "../download.ts";
import { Downloads } from "../downloads.tsx";
import type { Cell } from "../state.ts";
import { Drawing } from "./drawing.tsx";
import { Grid } from "./grid.tsx";
import { layOut } from "./layout.ts";
import { clampCell, type HeatMapData, type Reading } from "./model.ts";
import { Readout } from "./readout.tsx";
import { mapRows, MapTable } from "./table.tsx";
import { useCell } from "./use-cell.ts";

/** How wide a downloaded picture is, whatever the screen. */
const FILE_WIDTH = 560;

export interface HeatMapProps {
  data: HeatMapData;
  /** What is read at a cell, beside its row and column. */
  read: (cell: Cell) => Reading[];
  /** Of downloaded files, without an ending. */
  name: string;
  form?: "map" | "table";
  /** The cell that is read, where the parent holds it. */
  cell?: Cell | null;
  /** `settled` where the reader chose the cell, by a click or a key, and did not only pass over it. */
  onCell?: (cell: Cell, settled: boolean) => void;
  /** The pointer passes over no cell any more. */
  onLeave?: () => void;
}

export function HeatMap({ data, read, name, form = "map", cell, onCell, onLeave }: HeatMapProps) {
  const [chosen, setChosen] = useState<Cell | null>(null);
  const own = useCell(chosen, setChosen);
  const held = clampCell(data, cell === undefined ? own.cell : cell);
  const move = (next: Cell, settled: boolean) => {
    own.onCell(next, settled);
    onCell?.(next, settled);
  };
  const leave = () => {
    own.onLeave();
    onLeave?.();
  };
  const [box, width] = useWidth();
  const layout = useMemo(() => layOut(data, width, false), [data, width]);
  const [isFocused, setFocused] = useState(false);
  const id = useId();
  return (
    <figure class="heat-map" aria-label={data.title}>
      <div class="heat-map-picture" ref={box}>
        {width > 0 && form === "map" && (
          <>
            <Drawing data={data} layout={layout} cell={held} />
            <Grid data={data} plot={layout.plot} cell={held} describedBy={id} onMove={move} onLeave={leave} onFocus={setFocused} />
          </>
        )}
        {form === "table" && <MapTable data={data} cell={held} onMove={move} />}
      </div>
      <Readout id={id} data={data} cell={held} read={read} isSpoken={isFocused} isPointedAt={form === "map"} />
      <Downloads what={data.title} name={name} picture={() => draw(data)} table={() => mapRows(data)} />
    </figure>
  );
}

/** The map drawn anew for a file, at a width of its own and with its small print. */
function draw(data: HeatMapData): Picture | null {
  const place = document.createElement("div");
  render(<Drawing data={data} layout={layOut(data, FILE_WIDTH, true)} cell={null} />, place);
  const svg = place.querySelector("svg");
  return svg && { svg, title: data.title, description: describe(data) };
}

function describe({ rows, columns, rowAxis, measure, note = [] }: HeatMapData): string {
  return [`${rows.length} rows (${rowAxis}) × ${columns} layers; colour: ${measure}`, ...note].join(". ");
}

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    if (!box.current) return undefined;
    const measure = () => box.current && setWidth(Math.floor(box.current.clientWidth));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return [box, width] as const;
}
