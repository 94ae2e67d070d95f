/** THE table of the world: lines, NATs, links, host, players, visits. Decides every number that is the world's and not the client's, each with its
 * source: R a regulator, V a vendor, P a paper, C source code, D documentation, F a forum, B a blog, with the numbers that ../README.md lists; [M]:
 * from memory, [G]: a guess, [computed]: follows from others. */

/** @typedef {{name: string, share: number, down: number, up: number, sigma: number, rtt: number, cellular: boolean, full: [number, number][]}} LineClass
 *   Mbit/s, medians; sigma: of the logarithm, one draw for both directions; rtt: of the access, ms; full: ms that a full upload queue delays, and
 *   how often */

/** Upload queue when full: 250 ms without active queue management, 25 ms with (P1: 15-30); the shares are [G]; ADSL 600 ms [G]. */
const CABLE_QUEUES = /** @type {[number, number][]} */ ([
  [250, 0.6],
  [25, 0.4],
]);
const ADSL_QUEUES = /** @type {[number, number][]} */ ([[600, 1]]);

const line = (/** @type {any[]} */ ...[name, share, down, up, sigma, rtt, cellular = false]) =>
  /** @type {LineClass} */ ({
    name,
    share,
    down,
    up,
    sigma,
    rtt,
    cellular,
    full: name == 'ADSL' ? ADSL_QUEUES : CABLE_QUEUES,
  });

/** Shares [G], fitted: fixed lines' median up is 18.0 in mixed (R1: 18.4, UK 03/2023) and 8.8 in lean (R3: 9.8, UK 03/2021); medians +-30 %, tails times 2.
 * RTT of the access by technology: [G] between V4, V8 and P2. Sigma: [G].
 * @type {Record<string, LineClass[]>} */
export const LINES = {
  mixed: [
    line('fibre', 30, 200, 80, 0.7, 8),
    line('cable', 25, 150, 15, 0.5, 18),
    line('VDSL', 20, 45, 9, 0.5, 22),
    line('ADSL', 5, 10, 0.9, 0.4, 35),
    line('cellular', 20, 40, 8, 0.9, 50, true), // V6, V8: 7-11 % of visits are cellular in the US (V11), elsewhere unknown
  ],
  lean: [
    line('fibre', 12, 150, 40, 0.7, 8),
    line('cable', 20, 100, 10, 0.5, 18),
    line('VDSL', 33, 40, 8, 0.5, 22),
    line('ADSL', 10, 8, 0.8, 0.4, 35),
    line('cellular', 25, 25, 5, 0.9, 50, true),
  ],
};

/** Wi-Fi in between: the upload is that of the line times U(0.5, 1) [G]. */
export const WIFI = /** @type {[number, number]} */ ([0.5, 1]);
/** saves data, and so gives nothing: 1.7 and 4 % on two blogs (B1, 2019), less since Chrome's Lite mode ended [G] */
export const SAVE_DATA = 0.02;

export const KINDS = ['open', 'full', 'address', 'port', 'symmetric', 'blocked'];
/** Kinds of NAT by network, in the order of KINDS: [G], fitted to P3 (82 % of NATs allow punching), P4 (80 % of attempts between homes) and P5 (70 +- 7 %
 * of all attempts; 11 % symmetric), P7 (over 90 % of cellular networks use carrier NAT). 5.5 % of nodes are blocked and reach nobody. */
export const NATS = /** @type {Record<string, number[]>} */ ({
  home: [3, 12, 10, 65, 6, 4],
  cellular: [0, 5, 5, 45, 40, 5],
  office: [2, 3, 5, 35, 35, 20],
});
/** of those that are not cellular: 72 at home to 8 in an office or VPN [G] */
export const NETS = /** @type {[string, number][]} */ ([
  ['home', 72],
  ['office', 8],
]);

/** Who reaches whom, with STUN and without TURN: RFC 4787's kinds, D3; address restricted to symmetric, there "maybe", counts as yes.
 * @param {string} a @param {string} b */
export function meets(a, b) {
  if (a == 'blocked' || b == 'blocked') return false;
  const hard = [a, b]
    .filter(kind => kind == 'port' || kind == 'symmetric')
    .sort()
    .join();
  return hard != 'port,symmetric' && hard != 'symmetric,symmetric';
}

/** Links between browsers. */
export const LINK = {
  // RTT between two accesses besides half of each: lognormal, ms [G]; P2: 66 % of pairs of homes are within 30 ms
  between: /** @type {[number, number]} */ ([25, 0.8]),
  ceiling: 131072, // bytes under way at most, of one link: F4-F6 give 35-575 KiB
  window: 12000, // at first: 10 packets, as TCP has by RFC 6928 [G for SCTP]
  packet: 1200, // bytes of an SCTP packet [M: libwebrtc]
  overhead: 1.07, // IP, UDP, DTLS, SCTP around a packet [computed]
  message: 28, // of each message besides [computed]: one DATA chunk's share and an acknowledgement's
  loss: 0, // no figure found; what is lost is what a full queue drops
  connect: /** @type {[number, number]} */ ([700, 2500]), // after both descriptions: median and p95, lognormal, ms [G]: no published distribution
  giveUp: 8000, // ms [G]
  near: /** @type {[number, number]} */ ([1, 12500]), // of one network: one way ms, and bytes a ms, 100 Mbit/s [G]
  silent: 5000, // ms until a silent end is 'disconnected' [M: libwebrtc],
  dead: 30000, // and 'failed' [M]
  stun: 20, // ms beyond the access [G]; D2: over 500 counts as slow
  setup: 5, // ms that a browser takes for a description [G]
};

/** A web host. */
export const HOST = {
  rate: 1000, // bytes a ms: 1 MB/s, CloudLinux's usual IO limit (D7); no measurement of cheap plans' egress found
  slots: 20, // files at a time [G]; V21: one host has 30 Apache connections
  processes: 20, // programs at a time: LVE's entry processes (CloudLinux's default), which count apart
  delay: /** @type {[number, number]} */ ([20, 40]), // one way, besides the access, ms [G]
  think: 15, // ms that a dynamic request takes (bench/run: 0.03 by FastCGI, 1.4 of processor by CGI; starting it on a shared host [G])
  window: 14600, // slow start of a TCP connection, RFC 6928
  most: 262144, // and what it grows to [G]; a connection that rests is used again within 3 s with the window it has [G]
  rests: 3000,
  socket: 524288, // bytes that a browser takes from a connection whose page does not read [G]
  overhead: 1.04, // IP and TCP around the bytes, on the viewer's line [computed]
  unit: 16384, // bytes sent in a row
  // bytes of the page itself, its styles and what the client brings (under 24 kB), on a first visit [G]; D4: pages are larger, from caches or elsewhere
  page: 60000,
};

/** A player, as Chromium's is (C1). */
export const PLAYER = {
  ahead: 10, // s times the bit rate, at least `least` and at most `most` bytes; grows by a tenth of the bytes read up to double; and 1 MiB
  least: 2 << 20,
  most: 50 << 20,
  more: 1 << 20,
  begin: 0.5, // s in hand when it begins, and
  resume: 1, // when it goes on after a stall [G]
};

/** Who stays how long, and comes when. */
export const VISITS = {
  seeks: { share: 0.3, burst: /** @type {[number, number]} */ ([1, 4]), forward: 2 / 3 }, // [G], B8: jumps come in bursts
  leaving: /** @type {[number, number]} */ ([0.2, 0.8]), // when "half leave" go, in parts of the film [G]
  polite: 0.5, // of those who go, so many say so; the others' laptops close, or the system ends the tab [G]
  away: /** @type {[number, number]} */ ([10, 60]), // s that a closed laptop stays so [G]
  patience: { after: 2, rate: 0.058 }, // P20: leaving begins when 2 s pass without a frame, and 5.8 % a second go
  pages: { one: 0.47, mean: 4.5, stay: 40 }, // V15: pages a visit, bounce; 3 minutes a visit (B6) in 4.5 pages: 40 s each
  peak: 2, // peak hour to mean (1.7-3) [G]
};

/** Still watching at these parts of a film (V16 of 30 minutes and more; V16 of under 2; P21, P22 between): inner points after P23. */
export const WATCHED = /** @type {[number, [number, number][]][]} */ ([
  [
    120,
    [
      [0.1, 0.87],
      [0.25, 0.78],
      [0.5, 0.68],
      [0.9, 0.57],
      [1, 0.53],
    ],
  ],
  [
    600,
    [
      [0.1, 0.6],
      [0.25, 0.37],
      [0.5, 0.29],
      [0.9, 0.22],
      [1, 0.2],
    ],
  ],
  [
    Infinity,
    [
      [0.1, 0.39],
      [0.25, 0.25],
      [0.5, 0.18],
      [0.9, 0.12],
      [1, 0.1],
    ],
  ],
]);

/** A slow one: 0.5 Mbit/s up, and gives all the same [G]. */
export const SLOW = 0.5;
/** Mbit/s: what a viewer gives at most, however wide his line (the design's manners) */
export const GIVES = 8;
