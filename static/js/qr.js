// Draws a pass as a QR code without asking the server: version 7, error correction M, alphanumeric, the one size every
// pass has (ISO/IEC 18004). A phone without a network goes on showing a picture that is half a minute young.
(function () {
  "use strict";
  const ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
  const VERSION = 7;
  const SIZE = 17 + 4 * VERSION;
  const BLOCKS = 4; // each of 31 data and 18 correction codewords
  const DATA = 31;
  const CORRECTION = 18;
  const ALIGNMENT = [6, 22, 38];
  const LONGEST = 178;

  // Arithmetic in GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1.
  const EXP = new Uint8Array(512);
  const LOG = new Uint8Array(256);
  for (let power = 0, value = 1; power < 255; power += 1) {
    EXP[power] = EXP[power + 255] = value;
    LOG[value] = power;
    value = value & 128 ? (value << 1) ^ 0x11d : value << 1;
  }
  const times = (a, b) => (a && b ? EXP[LOG[a] + LOG[b]] : 0);

  function generator() {
    let terms = [1];
    for (let power = 0; power < CORRECTION; power += 1) {
      const next = new Array(terms.length + 1).fill(0);
      terms.forEach((term, place) => {
        next[place] ^= term;
        next[place + 1] ^= times(term, EXP[power]);
      });
      terms = next;
    }
    return terms;
  }

  function correctionOf(data) {
    const divisor = generator();
    const left = [...data, ...new Array(CORRECTION).fill(0)];
    for (let place = 0; place < data.length; place += 1) {
      const factor = left[place];
      if (factor) divisor.forEach((term, offset) => (left[place + offset] ^= times(term, factor)));
    }
    return left.slice(data.length);
  }

  function codewords(text) {
    const bits = [];
    const push = (value, count) => {
      for (let bit = count - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1);
    };
    push(2, 4);
    push(text.length, 9);
    for (let place = 0; place < text.length; place += 2) {
      const first = ALPHANUMERIC.indexOf(text[place]);
      if (place + 1 < text.length) push(first * 45 + ALPHANUMERIC.indexOf(text[place + 1]), 11);
      else push(first, 6);
    }
    const capacity = BLOCKS * DATA * 8;
    push(0, Math.min(4, capacity - bits.length));
    while (bits.length % 8) bits.push(0);
    const data = [];
    for (let place = 0; place < bits.length; place += 8)
      data.push(bits.slice(place, place + 8).reduce((sum, bit) => sum * 2 + bit, 0));
    for (let pad = 0xec; data.length < BLOCKS * DATA; pad ^= 0xec ^ 0x11) data.push(pad);
    const blocks = Array.from({ length: BLOCKS }, (_, block) => data.slice(block * DATA, (block + 1) * DATA));
    const corrections = blocks.map(correctionOf);
    const woven = [];
    for (let place = 0; place < DATA; place += 1) for (const block of blocks) woven.push(block[place]);
    for (let place = 0; place < CORRECTION; place += 1) for (const block of corrections) woven.push(block[place]);
    return woven;
  }

  function drawPatterns(set) {
    const finder = (top, left) => {
      for (let y = -1; y < 8; y += 1)
        for (let x = -1; x < 8; x += 1) {
          const ring = Math.max(Math.abs(x - 3), Math.abs(y - 3));
          set(top + y, left + x, ring !== 2 && ring < 4);
        }
    };
    finder(0, 0);
    finder(0, SIZE - 7);
    finder(SIZE - 7, 0);
    for (const y of ALIGNMENT)
      for (const x of ALIGNMENT) {
        const inCorner = (y === 6 && x === 6) || (y === 6 && x === 38) || (y === 38 && x === 6);
        if (inCorner) continue;
        for (let down = -2; down <= 2; down += 1)
          for (let across = -2; across <= 2; across += 1)
            set(y + down, x + across, Math.max(Math.abs(down), Math.abs(across)) !== 1);
      }
    for (let place = 8; place < SIZE - 8; place += 1) {
      set(6, place, place % 2 === 0);
      set(place, 6, place % 2 === 0);
    }
  }

  function remainder(value, divisor, bits) {
    let left = value << bits;
    const top = 31 - Math.clz32(divisor);
    while (left && 31 - Math.clz32(left) >= top) left ^= divisor << (31 - Math.clz32(left) - top);
    return left;
  }

  function drawVersionAndFormat(set, mask) {
    const version = (VERSION << 12) | remainder(VERSION, 0x1f25, 12);
    for (let bit = 0; bit < 18; bit += 1) {
      const dark = ((version >> bit) & 1) === 1;
      const far = SIZE - 11 + (bit % 3);
      const near = Math.floor(bit / 3);
      set(near, far, dark);
      set(far, near, dark);
    }
    // Level M is written 00.
    const format = ((mask << 10) | remainder(mask, 0x537, 10)) ^ 0x5412;
    const bitAt = (bit) => ((format >> bit) & 1) === 1;
    for (let bit = 0; bit < 6; bit += 1) set(bit, 8, bitAt(bit));
    set(7, 8, bitAt(6));
    set(8, 8, bitAt(7));
    set(8, 7, bitAt(8));
    for (let bit = 9; bit < 15; bit += 1) set(8, 14 - bit, bitAt(bit));
    for (let bit = 0; bit < 8; bit += 1) set(8, SIZE - 1 - bit, bitAt(bit));
    for (let bit = 8; bit < 15; bit += 1) set(SIZE - 15 + bit, 8, bitAt(bit));
    set(SIZE - 8, 8, true);
  }

  const MASKS = [
    (y, x) => (y + x) % 2 === 0,
    (y) => y % 2 === 0,
    (y, x) => x % 3 === 0,
    (y, x) => (y + x) % 3 === 0,
    (y, x) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2 === 0,
    (y, x) => ((y * x) % 2) + ((y * x) % 3) === 0,
    (y, x) => (((y * x) % 2) + ((y * x) % 3)) % 2 === 0,
    (y, x) => (((y + x) % 2) + ((y * x) % 3)) % 2 === 0,
  ];

  function withMask(words, mask) {
    const dark = Array.from({ length: SIZE }, () => new Uint8Array(SIZE));
    const fixed = Array.from({ length: SIZE }, () => new Uint8Array(SIZE));
    const set = (y, x, on) => {
      if (y < 0 || x < 0 || y >= SIZE || x >= SIZE) return;
      dark[y][x] = on ? 1 : 0;
      fixed[y][x] = 1;
    };
    drawPatterns(set);
    drawVersionAndFormat(set, mask);
    let place = 0;
    let up = true;
    for (let right = SIZE - 1; right > 0; right -= 2) {
      if (right === 6) right = 5; // the column of the timing pattern
      for (let step = 0; step < SIZE; step += 1) {
        const y = up ? SIZE - 1 - step : step;
        for (const x of [right, right - 1]) {
          if (fixed[y][x]) continue;
          const bit = place < words.length * 8 ? (words[place >> 3] >> (7 - (place & 7))) & 1 : 0;
          dark[y][x] = bit ^ (MASKS[mask](y, x) ? 1 : 0);
          place += 1;
        }
      }
      up = !up;
    }
    return dark;
  }

  // How hard a mask is to read: long runs, blocks, shapes like a finder, too much of one colour.
  function penalty(dark) {
    let sum = 0;
    let count = 0;
    const lines = [...dark, ...dark.map((_, x) => dark.map((row) => row[x]))];
    for (const line of lines) {
      const text = Array.from(line).join("");
      for (const run of text.match(/0{5,}|1{5,}/g) || []) sum += run.length - 2;
      for (const shape of ["10111010000", "00001011101"])
        for (let at = text.indexOf(shape); at >= 0; at = text.indexOf(shape, at + 1)) sum += 40;
    }
    for (let y = 0; y < SIZE; y += 1)
      for (let x = 0; x < SIZE; x += 1) {
        count += dark[y][x];
        const same = (down, across) => dark[y + down][x + across] === dark[y][x];
        if (y + 1 < SIZE && x + 1 < SIZE && same(0, 1) && same(1, 0) && same(1, 1)) sum += 3;
      }
    return sum + 10 * Math.floor(Math.abs((count * 20) / (SIZE * SIZE) - 10));
  }

  // The rows of the picture, 1 is dark; null for what is no pass and would not fit.
  function draw(text) {
    if (text.length > LONGEST || [...text].some((letter) => !ALPHANUMERIC.includes(letter))) return null;
    const words = codewords(text);
    const drawn = MASKS.map((_, mask) => withMask(words, mask));
    const worst = drawn.map(penalty);
    return drawn[worst.indexOf(Math.min(...worst))];
  }

  // As an address for a picture, dark on white with the four modules of quiet that scanners need.
  function picture(text) {
    const dark = draw(text);
    if (!dark) return null;
    const quiet = 4;
    const path = dark.flatMap((row, y) => Array.from(row, (on, x) => (on ? `M${x + quiet} ${y + quiet}h1v1h-1z` : "")));
    const side = SIZE + 2 * quiet;
    return `data:image/svg+xml,${encodeURIComponent(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges">` +
        `<path fill="#fff" d="M0 0h${side}v${side}H0z"/><path d="${path.join("")}"/></svg>`,
    )}`;
  }

  window.Qr = { draw, picture };
})();
