import type { Folder } from "../data.ts";

export function Overview({ folder }: { folder: Folder }) {
  return <h1>{folder.name}</h1>;
}
