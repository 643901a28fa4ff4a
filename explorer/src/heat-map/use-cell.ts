import { useState } from "preact/hooks";
import type { Cell } from "../state.ts";
import type { HeatMapProps } from "./heat-map.tsx";

/** Which cell is read: the one that the pointer is over, else the chosen one. For maps that read the same cell. */
export function useCell(chosen: Cell | null, choose: (cell: Cell) => void): Required<Pick<HeatMapProps, "cell" | "onCell" | "onLeave">> {
  const [passed, setPassed] = useState<Cell | null>(null);
  return {
    cell: passed ?? chosen,
    onCell: (cell, settled) => {
      setPassed(settled ? null : cell);
      if (settled) choose(cell);
    },
    onLeave: () => setPassed(null),
  };
}
