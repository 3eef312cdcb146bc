// @ts-check
/** A real browser without a window, with a camera and a microphone that the browser makes up. */
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
];

/**
 * @param {{ asksForDevices?: boolean, flags?: string[], program?: string, env?: Record<string, string> }} [options]
 *   `asksForDevices`: permissions are granted by the test, one by one, as a person does; else every page may use every
 *   device. `program`: started in the place of Chromium. `env`: added to the environment
 */
export function launchChromium({ asksForDevices = false, flags = [], program, env = {} } = {}) {
  return chromium.launch({
    executablePath: program ?? process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    env: { ...process.env, ...env },
    args: [...FLAGS, ...(asksForDevices ? [] : ['--use-fake-ui-for-media-stream']), ...flags],
  });
}
