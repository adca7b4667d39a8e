// Reads passes with the device's camera where the browser can (BarcodeDetector); elsewhere a hand scanner or the keyboard
// does. The camera starts at a tap only, and says what stands in its way.
(function () {
  "use strict";
  const Till = (window.Till = window.Till || {});
  const WHY = {
    NotAllowedError: "The camera is not allowed. Allow it in the browser’s settings of this page.",
    NotFoundError: "This device has no camera.",
    NotReadableError: "Another program uses the camera. Close it and try again.",
  };
  let stream = null;

  function stop(box) {
    if (stream) for (const track of stream.getTracks()) track.stop();
    stream = null;
    box.hidden = true;
  }

  // Shows the button where it can work. `seen(text)` gets each picture once; `failed(sentence)` says why there is none.
  async function offer({ button, box, video, seen, failed }) {
    if (!("BarcodeDetector" in window) || !navigator.mediaDevices) return;
    const formats = await window.BarcodeDetector.getSupportedFormats();
    if (!formats.includes("qr_code")) return;
    const detector = new window.BarcodeDetector({ formats: ["qr_code"] });
    button.hidden = false;
    button.addEventListener("click", async () => {
      if (stream) return stop(box);
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      } catch (error) {
        return failed(WHY[error.name] || "The camera did not start.");
      }
      box.hidden = false;
      video.srcObject = stream;
      await video.play();
      let before = "";
      const look = async () => {
        if (!stream) return;
        const found = await detector.detect(video).catch(() => []);
        if (found.length && found[0].rawValue !== before) {
          before = found[0].rawValue;
          stop(box);
          await seen(before);
          return;
        }
        setTimeout(look, 150);
      };
      look();
    });
    document.addEventListener("visibilitychange", () => document.hidden && stop(box));
  }

  Till.camera = { offer };
})();
