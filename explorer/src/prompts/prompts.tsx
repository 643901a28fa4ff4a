import type { Folder } from "../data.ts";

export function Prompts({ folder }: { folder: Folder; index: number }) {
  return <h1>{folder.name}</h1>;
}
