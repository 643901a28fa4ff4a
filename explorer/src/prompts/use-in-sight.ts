import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** Scrolls to the top of an opened prompt, with its ways to others, where that is out of sight. */
export function useInSight(article: RefObject<HTMLElement | null>, id: number): void {
  useEffect(() => {
    const top = article.current?.getBoundingClientRect().top ?? 0;
    if (top < 0 || top > 0.8 * innerHeight) article.current?.scrollIntoView();
  }, [id]);
}
