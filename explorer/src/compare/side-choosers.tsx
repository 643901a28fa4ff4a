import type { MetricInfo, Report } from "../data.ts";
import { FormSwitch, MetricSwitches } from "../prompts/switches.tsx";
import type { View } from "../state.ts";
import type { Change } from "../use-view.ts";
import { COMPONENT_NAMES } from "../words.ts";
import type { Side } from "./sides.ts";

interface SideChoosersProps {
  report: Report;
  sides: [Side, Side];
  metrics: MetricInfo[];
  view: View;
  change: Change;
}

/** What is compared, and in which number. */
export function SideChoosers({ report, sides: [first, second], metrics, view, change }: SideChoosersProps) {
  const swap = () => change({
    folder: second.folder.name, component: second.component, otherFolder: first.folder.name, otherComponent: first.component,
  });
  return (
    <div class="controls">
      <SideChooser
        name="First side" report={report} side={first}
        onFolder={(folder) => change({ folder, ...kept(second) })}
        onComponent={(component) => change({ component, ...kept(second) })}
      />
      <SideChooser
        name="Second side" report={report} side={second}
        onFolder={(otherFolder) => change({ ...kept(first, true), otherFolder })}
        onComponent={(otherComponent) => change({ otherFolder: second.folder.name, otherComponent })}
      />
      <button type="button" onClick={swap}>Swap sides</button>
      <MetricSwitches metrics={metrics} view={view} change={change} />
      <FormSwitch view={view} change={change} />
    </div>
  );
}

/** A side as the view names it, so that it stays what it is while the other one changes. */
function kept(side: Side, isFirst = false): Partial<View> {
  const [folder, component] = [side.folder.name, side.component];
  return isFirst ? { folder, component } : { otherFolder: folder, otherComponent: component };
}

function SideChooser({ name, report, side, onFolder, onComponent }: {
  name: string; report: Report; side: Side; onFolder: (folder: string) => void; onComponent: (component: Side["component"]) => void;
}) {
  return (
    <fieldset class="side">
      <legend>{name}</legend>
      {report.folders.length > 1 && (
        <label>
          Folder
          <select value={side.folder.name} onChange={(event) => onFolder(event.currentTarget.value)}>
            {report.folders.map((folder) => <option key={folder.name} value={folder.name}>{folder.name}</option>)}
          </select>
        </label>
      )}
      <label>
        Component
        <select value={side.component} onChange={(event) => onComponent(event.currentTarget.value as Side["component"])}>
          {side.folder.components.map((info) => <option key={info.name} value={info.name}>{COMPONENT_NAMES[info.name]}</option>)}
        </select>
      </label>
    </fieldset>
  );
}
