import { useState } from "preact/hooks";
import { csv, type CsvRow } from "./csv.ts";
import { pngFile, save, svgFile, type Picture } from "./download.ts";

interface DownloadsProps {
  /** What is downloaded, for those who cannot see where the buttons stand. */
  what: string;
  /** The file's name without its ending. */
  name: string;
  picture?: () => Picture | null;
  table?: () => CsvRow[];
}

/** The buttons under a picture or a table. */
export function Downloads({ what, name, picture, table }: DownloadsProps) {
  const [problem, setProblem] = useState("");
  const attempt = async (make: () => void | Promise<void>) => {
    try {
      setProblem("");
      await make();
    } catch (error) {
      setProblem(`Not downloaded: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const draw = (use: (picture: Picture) => void | Promise<void>) => () => {
    const found = picture?.();
    if (found) void attempt(() => use(found));
  };
  const saveSvg = draw((found) => save(svgFile(found).text, `${name}.svg`, "image/svg+xml"));
  const savePng = draw(async (found) => save(await pngFile(found), `${name}.png`, "image/png"));
  const saveCsv = () => void attempt(() => save(csv(table?.() ?? []), `${name}.csv`, "text/csv;charset=utf-8"));
  return (
    <span class="downloads">
      {picture && <button type="button" aria-label={`Download SVG: ${what}`} onClick={saveSvg}>SVG</button>}
      {picture && <button type="button" aria-label={`Download PNG: ${what}`} onClick={savePng}>PNG</button>}
      {table && <button type="button" aria-label={`Download CSV: ${what}`} onClick={saveCsv}>CSV</button>}
      {problem && <span role="alert" class="problem">{problem}</span>}
    </span>
  );
}
