// @ts-check
/**
 * The lists to choose a camera or a microphone from.
 */
import { make } from './dom.js';

/**
 * @param {HTMLSelectElement} select
 * @param {{deviceId: string, deviceName: string}[]} devices
 * @param {string} chosen empty: the browser's choice
 * @param {string} noun what to call a device that has no name yet
 */
export function fillPicker(select, devices, chosen, noun) {
  const options = devices.map(({ deviceId, deviceName }, index) =>
    make('option', { value: deviceId }, [deviceName || `${noun} ${index + 1}`]),
  );
  if (options.length === 0) options.push(make('option', { value: '' }, [`No ${noun.toLowerCase()} found`]));
  select.replaceChildren(...options);
  select.disabled = devices.length === 0;
  if (devices.some(({ deviceId }) => deviceId === chosen)) select.value = chosen;
}
