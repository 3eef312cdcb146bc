// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkType } from '../sdk/network.js';
import { NetworkType } from '../sdk/constants.js';

test('a network has the type that the browser tells, and none while offline', () => {
  const cases = /** @type {[object, number][]} */ ([
    [{}, NetworkType.Unknown],
    [{ onLine: true }, NetworkType.Unknown],
    [{ onLine: false, connection: { type: 'wifi' } }, NetworkType.Disconnected],
    [{ onLine: true, connection: { type: 'none' } }, NetworkType.Disconnected],
    [{ onLine: true, connection: { type: 'ethernet' } }, NetworkType.Lan],
    [{ onLine: true, connection: { type: 'wifi' } }, NetworkType.Wifi],
    [{ onLine: true, connection: { type: 'cellular', effectiveType: 'slow-2g' } }, NetworkType.Mobile2G],
    [{ onLine: true, connection: { type: 'cellular', effectiveType: '3g' } }, NetworkType.Mobile3G],
    [{ onLine: true, connection: { type: 'cellular', effectiveType: '4g' } }, NetworkType.Mobile4G],
    [{ onLine: true, connection: { type: 'cellular', effectiveType: 'constructor' } }, NetworkType.Unknown],
    [{ onLine: true, connection: { effectiveType: '4g' } }, NetworkType.Unknown],
  ]);
  for (const [navigator, type] of cases) assert.equal(networkType(navigator), type, JSON.stringify(navigator));
});
