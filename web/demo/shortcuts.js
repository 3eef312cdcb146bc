// @ts-check
/**
 * Single keys for the controls of the call.
 */

/** Keys and the actions they stand for. */
const KEYS = new Map([
  ['m', 'mic'],
  ['v', 'camera'],
  ['s', 'share'],
  ['p', 'people'],
  ['t', 'token'],
  ['c', 'copy'],
  ['r', 'stage'],
  [',', 'settings'],
  ['L', 'leave'],
]);

/**
 * The action of a key, if it has one here. Keys that are typed into a field, or held with another, are left alone.
 *
 * @param {KeyboardEvent} event
 * @returns {string | undefined}
 */
export function actionOfKey(event) {
  const { key, ctrlKey, metaKey, altKey, repeat, target } = event;
  if (ctrlKey || metaKey || altKey || repeat || isTyping(target)) return undefined;
  // Capitals are only for what must not happen by accident, so that caps lock does no harm.
  return KEYS.get(key) ?? (event.shiftKey ? undefined : KEYS.get(key.toLowerCase()));
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  const isText = target instanceof HTMLInputElement && !['checkbox', 'radio', 'button'].includes(target.type);
  return isText || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
