// Reads a pass without asking anybody, and judges it by the keys and the list this till holds. What it cannot know (the
// six digits, another till that was faster) is judged when the scan is sent; the rules are those of perks/passes.py,
// perks/hours.py and perks/services/offline.py.
(function () {
  "use strict";
  const Till = (window.Till = window.Till || {});
  const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
  const SHOWN = /^CA1:([0-9A-Z $%*+\-./:]{165})\.([0-9]{6})$/;
  const VERSION = 1;
  const CLAIMS = 46;
  const HOUR = 3600 * 1000;
  const LIST_LIVES = 48 * HOUR;
  const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

  function fromBase45(text) {
    const bytes = new Uint8Array((text.length / 3) * 2);
    for (let place = 0; place < text.length; place += 3) {
      const number =
        ALPHABET.indexOf(text[place]) +
        ALPHABET.indexOf(text[place + 1]) * 45 +
        ALPHABET.indexOf(text[place + 2]) * 2025;
      if (number > 0xffff) return null;
      bytes[(place / 3) * 2] = number >> 8;
      bytes[(place / 3) * 2 + 1] = number & 255;
    }
    return bytes;
  }

  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

  // What a genuine pass says, or null: not the right shape, altered, or signed by a key we don't hold.
  async function read(text, keys) {
    const shown = SHOWN.exec(text.trim());
    const whole = shown && fromBase45(shown[1]);
    if (!whole || whole[0] !== VERSION) return null;
    const claims = whole.slice(0, CLAIMS);
    const key = keys.find((one) => one.kid === hex(claims.slice(1, 5)));
    if (!key) return null;
    const publicKey = await crypto.subtle.importKey(
      "jwk",
      { kty: key.kty, crv: key.crv, x: key.x },
      { name: "Ed25519" },
      false,
      ["verify"],
    );
    if (!(await crypto.subtle.verify({ name: "Ed25519" }, publicKey, whole.slice(CLAIMS), claims))) return null;
    const seconds = claims.slice(41).reduce((sum, byte) => sum * 256 + byte, 0);
    return {
      passId: hex(claims.slice(5, 21)),
      merchantTag: hex(claims.slice(21, 31)),
      perkTag: hex(claims.slice(31, 41)),
      validUntil: seconds * 1000,
    };
  }

  function clockAt(zone, at) {
    const format = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone,
      weekday: "short",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    const parts = Object.fromEntries(format.formatToParts(new Date(at)).map((part) => [part.type, part.value]));
    return {
      date: `${parts.year}-${parts.month}-${parts.day}`,
      day: DAYS.indexOf(parts.weekday) + 1,
      time: `${parts.hour}:${parts.minute}`,
    };
  }

  function isOpen(hours, zone, at) {
    if (!hours.length) return true;
    const now = clockAt(zone, at);
    const yesterday = now.day === 1 ? 7 : now.day - 1;
    return hours.some((span) =>
      span.to > span.from
        ? span.day === now.day && span.from <= now.time && now.time < span.to
        : (span.day === now.day && now.time >= span.from) || (span.day === yesterday && now.time < span.to),
    );
  }

  const no = (outcome, detail, rest) => ({ outcome, detail, ...rest });

  function dayInWords(day) {
    return new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(new Date(`${day}T00:00:00Z`));
  }

  // The one answer of an offline till: `accepted`, or why not. `held` is {keys, list, listAt}; nothing is written here.
  async function judge(text, held, at) {
    if (!held.keys || !held.list) return no("no_list", "This till has not been online since it was paired.");
    const claims = await read(text, held.keys);
    if (!claims || claims.merchantTag !== held.list.merchant.pass_tag) return no("unknown_code", "");
    if (at - held.listAt > LIST_LIVES) return no("no_list", "This till has not been online for two days.");
    if (at >= claims.validUntil) return no("expired", "Its time is over.");
    const arrival = held.list.results.find((one) => one.pass_id === claims.passId);
    const perk = held.list.perks.find((one) => one.pass_tag === claims.perkTag);
    if (!perk) return no("wrong_branch", "It is not for a perk of this branch.");
    const told = {
      passId: claims.passId,
      title: (arrival || perk).title,
      terms: (arrival || perk).terms,
      benefit: arrival ? arrival.benefit : perk.benefits.length === 1 ? perk.benefits[0] : null,
      firstName: arrival ? arrival.first_name : null,
      booking: arrival ? arrival.booking_reference : null,
    };
    if (perk.offline === "refuse") return no("needs_network", "It is never taken without a connection.");
    if (perk.is_dated) {
      if (!arrival && (perk.offline === "arrivals_only" || !perk.only_here))
        return no("not_listed", "It is not on this branch’s list of arrivals.");
      // Dated perks end with their day: without a list, the pass's own end says which.
      const day = arrival ? arrival.date : clockAt(perk.zone, claims.validUntil - 1000).date;
      if (day !== clockAt(perk.zone, at).date) return no("outside_hours", `It is for ${dayInWords(day)}.`);
    }
    if (!isOpen(perk.hours, perk.zone, at)) return no("outside_hours", "It is outside its hours.");
    return { outcome: "accepted", detail: "", ...told };
  }

  Till.pass = { read, judge, isPass: (text) => text.trim().toUpperCase().startsWith("CA1:") };
})();
