// The view, held in the address.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { isAnotherPlace, readView, writeView, type View } from "./state.ts";

/** Browsers refuse an address that changes many times a second, as it would under a held arrow key. */
const SETTLED_AFTER_MS = 200;

export type Change = (patch: Partial<View>) => void;

export function useView(): [View, Change] {
  const [view, setView] = useState(() => readView(location.hash));
  const current = useRef(view);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  useEffect(() => {
    const follow = () => {
      clearTimeout(timer.current);
      const next = readView(location.hash);
      if (writeView(next) === writeView(current.current)) return;
      current.current = next;
      setView(next);
    };
    addEventListener("popstate", follow);
    addEventListener("hashchange", follow);
    return () => {
      removeEventListener("popstate", follow);
      removeEventListener("hashchange", follow);
    };
  }, []);

  const change = useCallback((patch: Partial<View>) => {
    const before = current.current;
    const next = { ...before, ...patch };
    current.current = next;
    clearTimeout(timer.current);
    if (isAnotherPlace(before, next)) {
      writeAddress(before, "replace");
      writeAddress(next, "push");
    } else {
      timer.current = setTimeout(() => writeAddress(next, "replace"), SETTLED_AFTER_MS);
    }
    setView(next);
  }, []);

  return [view, change];
}

function writeAddress(view: View, how: "push" | "replace"): void {
  const address = location.href.replace(/#.*$/s, "") + writeView(view);
  if (address === location.href) return;
  try {
    if (how === "push") history.pushState(null, "", address);
    else history.replaceState(null, "", address);
  } catch {
    // A page in a sandbox, as in some mail readers, has an address that cannot be changed; the view works without it.
  }
}
