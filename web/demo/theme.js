// @ts-check
/**
 * Light or dark: as the system says, until the visitor says otherwise.
 */

const KEPT = 'symbolon.theme';

/** Puts on what the visitor chose last. */
export function setTheme() {
  const chosen = kept();
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
}

/** The other one. */
export function switchTheme() {
  const root = document.documentElement;
  const isDark =
    (root.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
  root.dataset.theme = isDark ? 'light' : 'dark';
  try {
    localStorage.setItem(KEPT, root.dataset.theme);
  } catch {
    // Nothing is kept in private windows; the choice holds for this visit.
  }
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}
