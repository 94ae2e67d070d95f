/** Packed descriptions (doc/PROTOCOL.md 2.1). */
import test from 'node:test';
import assert from 'node:assert/strict';
import { base64, bytes, dice, thrown } from './world.mjs';
import { near, pack, parse, unpack } from '../../htdocs/meet/sdp.js';

const PRINT = 'D2:FA:0E:C3:22:59:5E:14:95:69:92:3D:13:B4:84:24:2C:C2:A2:C0:3E:FD:34:8E:5E:EA:6F:AF:52:CE:E6:0F';
const MDNS = '3d5b1a2c-0f4e-4b6a-9c3d-7e8f90a1b2c3.local';
const sdp = lines => lines.join('\r\n') + '\r\n';

/** As the browsers write them; what is expected of each: [kind, address, port]. */
const SAMPLES = {
  'Chromium, mDNS and srflx': { ufrag: 'Yx1/', pwd: 'ASd3+kj9/OKm2nPqR8tUvWxY', candidates: [[0, MDNS, 58706], [1, '203.0.113.77', 41234]], sdp: sdp([
    'v=0', 'o=- 4611731400430051336 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'a=extmap-allow-mixed', 'a=msid-semantic: WMS',
    'm=application 58706 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 203.0.113.77',
    `a=candidate:3988567291 1 udp 2113937151 ${MDNS} 58706 typ host generation 0 network-cost 999`,
    'a=candidate:842163049 1 udp 1677729535 203.0.113.77 41234 typ srflx raddr 0.0.0.0 rport 0 generation 0 network-cost 999',
    'a=ice-ufrag:Yx1/', 'a=ice-pwd:ASd3+kj9/OKm2nPqR8tUvWxY', 'a=ice-options:trickle', `a=fingerprint:sha-256 ${PRINT}`, 'a=setup:actpass', 'a=mid:0',
    'a=sctp-port:5000', 'a=max-message-size:262144']) },
  'Chromium, addresses and TCP': { ufrag: '4ZcD', pwd: '2/1muCWoOi3uLifh0NuRHlZE', candidates: [[0, '192.168.1.17', 50123], [0, '2001:0db8:0001:0000:0000:0000:00ab:cdef', 50124]], sdp: sdp([
    'v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 0.0.0.0',
    'a=candidate:1 1 udp 2122260223 192.168.1.17 50123 typ host generation 0 network-id 1',
    'a=candidate:2 1 udp 2122262783 2001:db8:1::ab:cdef 50124 typ host generation 0 network-id 2',
    'a=candidate:3 1 tcp 1518280447 192.168.1.17 9 typ host tcptype active generation 0', 'a=candidate:4 2 udp 2122260222 192.168.1.17 50125 typ host',
    'a=ice-ufrag:4ZcD', 'a=ice-pwd:2/1muCWoOi3uLifh0NuRHlZE', `a=fingerprint:sha-256 ${PRINT}`, 'a=setup:active', 'a=mid:0', 'a=sctp-port:5000']) },
  'Firefox, upper-case UDP': { ufrag: '4a8b12cd', pwd: '0123456789abcdef0123456789abcdef', candidates: [[0, MDNS, 36201], [0, 'fe80:0000:0000:0000:0000:0000:0000:0001', 1], [1, '198.51.100.4', 65535],
    [2, '192.0.2.9', 3478]], sdp: sdp([
    'v=0', 'o=mozilla...THIS_IS_SDPARTA-99.0 2862361239361233312 0 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=sendrecv',
    `a=fingerprint:sha-256 ${PRINT}`, 'a=group:BUNDLE 0', 'a=ice-options:trickle', 'a=msid-semantic:WMS *', 'm=application 36201 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 198.51.100.4', `a=candidate:0 1 UDP 2122252543 ${MDNS} 36201 typ host`, 'a=candidate:3 1 UDP 2122187007 fe80::1 1 typ host',
    `a=candidate:6 1 TCP 2105524479 ${MDNS} 9 typ host tcptype active`, 'a=candidate:1 1 UDP 1686052863 198.51.100.4 65535 typ srflx raddr 0.0.0.0 rport 0',
    'a=candidate:2 1 UDP 92217343 192.0.2.9 3478 typ relay raddr 192.0.2.9 rport 3478', 'a=sendrecv', 'a=end-of-candidates',
    'a=ice-pwd:0123456789abcdef0123456789abcdef', 'a=ice-ufrag:4a8b12cd', 'a=mid:0', 'a=setup:actpass', 'a=sctp-port:5000', 'a=max-message-size:1073741823']) },
  'Firefox, nothing gathered': { ufrag: 'deadbeef', pwd: 'fedcba9876543210fedcba9876543210', candidates: [], sdp: sdp([
    'v=0', 's=-', `a=fingerprint:sha-256 ${PRINT}`, 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=ice-pwd:fedcba9876543210fedcba9876543210', 'a=ice-ufrag:deadbeef']) },
};

for (const [name, sample] of Object.entries(SAMPLES)) {
  for (const answer of [false, true]) {
    test(`${name}: ${answer ? 'answer' : 'offer'} there and back`, () => {
      const packed = pack(sample.sdp, answer), d = parse(packed), made = unpack(d);
      assert.match(packed, /^[\w-]+$/);
      assert.ok(packed.length < 200, `${packed.length} characters`);
      assert.deepEqual(d.candidates.map(c => [c.kind, c.address, c.port]), sample.candidates);
      assert.deepEqual([d.answer, d.ufrag, d.pwd], [answer, sample.ufrag, sample.pwd]);
      assert.equal(Buffer.from(d.print).toString('hex').toUpperCase(), PRINT.replaceAll(':', ''));
      assert.equal(made.type, answer ? 'answer' : 'offer');
      for (const line of [`a=fingerprint:sha-256 ${PRINT}`, `a=ice-ufrag:${sample.ufrag}`, `a=ice-pwd:${sample.pwd}`, `a=setup:${answer ? 'active' : 'actpass'}`,
        'm=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'a=sctp-port:5000', 'a=mid:0', 'a=max-message-size:262144']) assert.ok(made.sdp.split('\r\n').includes(line), line);
      assert.ok(made.sdp.endsWith('\r\n'));
      assert.equal(pack(made.sdp, answer), packed, 'what is unpacked packs to the same');
    });
  }
}

test('the layout is the documented one', () => {
  const b = Buffer.from(pack(SAMPLES['Chromium, mDNS and srflx'].sdp, true), 'base64url');
  const expected = ['11', PRINT.replaceAll(':', ''), '04', Buffer.from('Yx1/').toString('hex'), '18', Buffer.from('ASd3+kj9/OKm2nPqR8tUvWxY').toString('hex'),
    '02', '3d5b1a2c0f4e4b6a9c3d7e8f90a1b2c3', 'e552', '08', 'cb00714d', 'a112'].join('').toLowerCase();
  assert.equal(b.toString('hex'), expected);
});

const candidate = (address, type = 'host', port = 9) => `a=candidate:1 1 udp 1 ${address} ${port} typ ${type}`;
const described = (...candidates) => sdp(['a=ice-ufrag:abcd', 'a=ice-pwd:efghijkl', `a=fingerprint:sha-256 ${PRINT}`, ...candidates]);
const addresses = (...all) => parse(pack(described(...all.map(a => candidate(a))), false)).candidates.map(c => c.address);

test('IPv6 in every short form', () => {
  for (const [short, long] of [['::1', '0000:0000:0000:0000:0000:0000:0000:0001'], ['1::', '0001:0000:0000:0000:0000:0000:0000:0000'],
    ['::', '0000:0000:0000:0000:0000:0000:0000:0000'], ['1:2:3:4:5:6:7::', '0001:0002:0003:0004:0005:0006:0007:0000'],
    ['::2:3:4:5:6:7:8', '0000:0002:0003:0004:0005:0006:0007:0008'], ['1::3:4:5:6:7:8', '0001:0000:0003:0004:0005:0006:0007:0008'],
    ['2001:DB8::A', '2001:0db8:0000:0000:0000:0000:0000:000a'], ['1:2:3:4:5:6:7:8', '0001:0002:0003:0004:0005:0006:0007:0008']]) assert.deepEqual(addresses(short), [long], short);
});

test('what is no address is left out, what follows is not', () => {
  for (const bad of ['1.2.3', '1.2.3.4.5', '1:2:3', 'example.org', '::ffff:1.2.3.4', 'abc.local', '1:2:3:4:5:6:7:8:9']) {
    assert.deepEqual(addresses(bad, '10.0.0.1'), ['10.0.0.1'], bad);
  }
  assert.deepEqual(parse(pack(described(candidate('10.0.0.1', 'odd'), candidate('10.0.0.2', 'prflx')), false)).candidates, [{ kind: 3, address: '10.0.0.2', port: 9 }]);
});

test('24 candidates are the most', () => {
  const many = Array.from({ length: 40 }, (_, i) => `10.0.0.${i}`), packed = pack(described(...many.map(a => candidate(a))), false);
  assert.equal(parse(packed).candidates.length, 24);
  const raw = [...Buffer.from(packed, 'base64url'), 0, 10, 0, 0, 24, 0, 9];
  assert.throws(() => parse(base64(raw)), TypeError);
});

test('an SDP without fingerprint, ufrag or password is refused', () => {
  for (const without of [/a=fingerprint.*\r\n/, /a=ice-ufrag.*\r\n/, /a=ice-pwd.*\r\n/]) assert.throws(() => pack(described().replace(without, ''), false), TypeError);
  assert.throws(() => pack(described().replace('sha-256', 'sha-1'), false), TypeError);
  assert.throws(() => pack(described().replace('D2:', ''), false), TypeError);
  assert.throws(() => pack('', true), TypeError);
});

const head = [0x10, ...Array(32).fill(7), 4, 97, 98, 99, 100, 4, 101, 102, 103, 104];

test('bytes that are no description are refused', () => {
  assert.ok(parse(base64(head)));
  const cases = { nothing: [], 'flag 0x12': [0x12, ...head.slice(1)], 'flag 0x00': [0, ...head.slice(1)], 'flag 0x30': [0x30, ...head.slice(1)],
    'short print': head.slice(0, 20), 'no ufrag': head.slice(0, 33), 'no pwd': head.slice(0, 38), 'pwd cut short': head.slice(0, -1),
    'ufrag of 3': [...head.slice(0, 33), 3, 97, 98, 99, ...head.slice(38)], 'line end in ufrag': [...head.slice(0, 34), 97, 10, 99, 100, ...head.slice(38)],
    'space in pwd': [...head.slice(0, -4), 101, 32, 103, 104], 'byte over 127': [...head.slice(0, -4), 200, 102, 103, 104],
    'form 3': [...head, 3, 1, 2, 3, 4, 0, 9], 'form 7': [...head, 7, 1, 2, 3, 4, 0, 9], 'kind 4': [...head, 32, 1, 2, 3, 4, 0, 9], 'no port': [...head, 0, 1, 2, 3, 4],
    'half a port': [...head, 0, 1, 2, 3, 4, 9], 'half an address': [...head, 1, 1, 2, 3, 4, 0, 9] };
  for (const [name, raw] of Object.entries(cases)) assert.throws(() => parse(base64(raw)), TypeError, name);
  for (const text of [null, undefined, 5, {}, ['EA'], '+/==', 'a b', 'é', 'A'.repeat(1025), 'A', base64(head) + '=']) assert.ok(thrown(() => parse(text)), String(text));
});

/** The only ways to fail: our TypeError, or what atob says of a text that is no base64. */
function survives(text) {
  const error = thrown(() => {
    const d = parse(text), { sdp: made } = unpack(d);
    assert.ok(d.candidates.length <= 24 && d.print.length == 32);
    assert.ok(made.length < 4000, 'bounded');
    assert.ok(made.split('\r\n').every(line => /^[a-z]=[\x20-\x7e]*$/.test(line) || line == ''), 'no line of theirs in our SDP');
    assert.equal(made.split('\r\n').length, 15 + d.candidates.length);
  });
  assert.ok(!error || error instanceof TypeError || error.name == 'InvalidCharacterError', `${text}: ${error?.stack}`);
  return !error;
}

test('20,000 random byte strings', () => {
  const roll = dice(1);
  let good = 0;
  for (let n = 0; n < 20000; n++) {
    const raw = bytes(roll, roll(n % 50 ? 120 : 900));
    if (n % 2) raw.set(head.slice(0, raw.length));
    good += survives(roll(9) ? base64(raw) : String.fromCharCode(...raw));
  }
  assert.ok(good > 0);
});

test('20,000 valid ones with something changed', () => {
  const roll = dice(2), valid = Object.values(SAMPLES).map(s => Buffer.from(pack(s.sdp, false), 'base64url'));
  let good = 0;
  for (let n = 0; n < 20000; n++) {
    let raw = Uint8Array.from(valid[roll(valid.length)]);
    for (let changes = roll(4); changes >= 0; changes--) {
      const at = roll(raw.length || 1), what = roll(4);
      if (what == 0) raw[at] ^= 1 << roll(8);
      if (what == 1) raw = raw.slice(0, at);
      if (what == 2) raw = Uint8Array.from([...raw.subarray(0, at), roll(256), ...raw.subarray(at)]);
      if (what == 3) raw = Uint8Array.from([...raw, ...raw.subarray(at)]);
    }
    good += survives(base64(raw));
  }
  assert.ok(good > 1000 && good < 19000, `${good} good`);
});

test('near: nobody outside could use what either offered, or both stand behind the same addresses', () => {
  const of = (...all) => all.map(address => ({ kind: 0, address, port: 9 }));
  const six = '2001:0db8:0001:0002:0000:0000:0000:0001';
  for (const [a, b, expected] of [[of(MDNS), of(MDNS), true], [of('192.168.1.2'), of('10.0.0.7', '172.16.0.1'), true], [of(MDNS, '203.0.113.7'), of(MDNS, '203.0.113.7'), true],
    [of(MDNS, '203.0.113.7'), of(MDNS, '203.0.113.8'), false], [of('203.0.113.7'), of(MDNS), false], [of('172.32.0.1'), of(MDNS), false],
    [of(six), of('2001:0db8:0001:0002:ffff:0000:0000:0009'), true], [of(six), of('2001:0db8:0001:0003:0000:0000:0000:0001'), false],
    [of('fe80:0000:0000:0000:0000:0000:0000:0001'), of('fd00:0000:0000:0000:0000:0000:0000:0001'), true],
    [of('0000:0000:0000:0000:0000:0000:0000:0001'), of('127.0.0.1'), true]]) assert.equal(near(a, b), expected, JSON.stringify([a, b]));
});
