// @ts-check
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as check from '../sdk/options.js';

const ALLOWED =
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !#$%&()+-:;<=.>?@[]^_{}|~,';

test('each of the 89 characters makes a channel name, at length 1 and 64', () => {
  assert.equal(ALLOWED.length, 89);
  for (const sign of ALLOWED) {
    assert.ok(check.isChannelName(sign), sign);
    assert.ok(check.isChannelName(sign.repeat(64)), sign);
  }
});

test('other names are refused', () => {
  const bad = ['', 'a'.repeat(65), '*', "'", '"', '/', '\\', '`', '\t', 'ä', 'a\n', null, undefined, 7, {}];
  for (const name of bad) assert.equal(check.isChannelName(name), false, String(name));
});

test('a uid is a whole number of 32 bits', () => {
  for (const uid of [0, 1, 4294967295]) assert.ok(check.isUid(uid));
  for (const uid of [-1, 4294967296, 1.5, NaN, '1', null]) assert.equal(check.isUid(uid), false, String(uid));
});

test('an App ID has 32 hexadecimal characters', () => {
  assert.ok(check.isAppId('0123456789abcdefABCDEF0123456789'));
  for (const id of ['', '0'.repeat(31), '0'.repeat(33), 'g'.repeat(32), null]) assert.equal(check.isAppId(id), false);
});

test('a token is judged by version and alphabet only', () => {
  for (const token of ['007eJxTYAgQ+/8=', '006abcd']) assert.ok(check.canBeToken(token));
  for (const token of ['', '007', '005abcd', '007ab cd', '007ab-_', `007${'a'.repeat(4096)}`, '007=ab']) {
    assert.equal(check.canBeToken(token), false, token.slice(0, 12));
  }
});

test('options with two video sources, unknown roles or wrong types are refused', () => {
  const good = [
    {},
    { publishCameraTrack: true, publishScreenTrack: false },
    { publishScreenTrack: true, publishScreenCaptureVideo: true },
    { clientRoleType: 2, audienceLatencyLevel: 1, displayName: 'Ann', someNewField: 'x' },
    { publishCameraTrack: undefined, token: '007abc' },
  ];
  for (const options of good) assert.ok(check.optionsAreValid(options), JSON.stringify(options));
  const bad = [
    { publishCameraTrack: true, publishScreenTrack: true },
    { publishCameraTrack: true, publishCustomVideoTrack: true },
    { publishMicrophoneTrack: 'yes' },
    { clientRoleType: 3 },
    { audienceLatencyLevel: 3 },
    { channelProfile: 9 },
    { displayName: 'a\u0007b' },
    { displayName: 'a\u202eb' },
    { displayName: 'ä'.repeat(65) },
    null,
  ];
  for (const options of bad) assert.equal(check.optionsAreValid(/** @type {any} */ (options)), false);
});

test('an update keeps what it does not name', () => {
  const merged = check.mergeOptions({ publishCameraTrack: true, autoSubscribeAudio: false }, {
    publishCameraTrack: undefined,
    autoSubscribeVideo: false,
  });
  assert.deepEqual(merged, { publishCameraTrack: true, autoSubscribeAudio: false, autoSubscribeVideo: false });
});

test('unset options have the documented defaults', () => {
  assert.deepEqual(check.effectiveOptions({}), {
    camera: true,
    microphone: true,
    screen: false,
    screenAudio: false,
    subscribeAudio: true,
    subscribeVideo: true,
    audioDevices: true,
  });
  const screen = check.effectiveOptions({ publishScreenTrack: true });
  assert.deepEqual([screen.camera, screen.screen, screen.screenAudio], [false, true, true]);
});

test('old profile names mean one of the two profiles', () => {
  assert.deepEqual([0, 1, 2, 3, 4].map(check.wireProfile), [
    'communication',
    'liveBroadcasting',
    'communication',
    'liveBroadcasting',
    'communication',
  ]);
});

test('access points become signalling addresses', () => {
  assert.equal(check.signalUrl('https://rtc.example.com:8443/any'), 'wss://rtc.example.com:8443/v1/signal');
  assert.equal(check.signalUrl('http://127.0.0.1:8080'), 'ws://127.0.0.1:8080/v1/signal');
  for (const bad of ['', 'rtc.example.com', 'file:///x', 'ftp://x']) assert.equal(check.signalUrl(bad), null);
});

test('a local access point needs an address', () => {
  const urls = (/** @type {any} */ config) => check.localAccessPointUrls(config, false);
  for (const bad of [{}, { ipList: [] }, { ipList: [''], domainList: [] }, { domainList: [7] }, null]) {
    assert.equal(urls(bad), null);
  }
  const hosts = { ipList: ['10.0.0.1', '10.0.0.2:9'], domainList: ['a.example'] };
  assert.deepEqual(urls({ ...hosts, advancedConfig: { port: 80 } }), [
    'ws://10.0.0.1/v1/signal',
    'ws://10.0.0.2:9/v1/signal',
    'ws://a.example/v1/signal',
  ]);
  assert.deepEqual(urls({ ipList: ['::1'], advancedConfig: { port: 8080, secure: true } }), [
    'wss://[::1]:8080/v1/signal',
  ]);
  assert.deepEqual(check.localAccessPointUrls({ domainList: ['a.example'] }, true), ['wss://a.example/v1/signal']);
});

test('encoder settings out of range are refused', () => {
  for (const config of [{}, { codecType: 2, dimensions: { width: 1280, height: 720 }, frameRate: 15, bitrate: 800 }]) {
    assert.ok(check.encoderIsValid(config));
  }
  const bad = [{ codecType: 99 }, { frameRate: 0 }, { dimensions: { width: 1, height: 1 } }, { bitrate: -5 }, null];
  for (const config of bad) assert.equal(check.encoderIsValid(/** @type {any} */ (config)), false);
});
