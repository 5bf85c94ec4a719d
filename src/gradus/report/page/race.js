"use strict";
(() => {
  const SECONDS = 12;
  const { steps, values } = JSON.parse(document.getElementById("race").textContent);
  const find = (selector) => [...document.querySelectorAll(selector)];
  // The drawing has the whole trails, the best racer's last so that it is on top.
  const lines = find(".trail").reverse(), heads = find(".head").reverse(), cells = find(".now");
  const trails = lines.map((line) => line.getAttribute("points").split(" "));
  const play = document.getElementById("play"), slider = document.getElementById("step"), at = document.getElementById("at");
  const last = steps.length - 1;
  let running = 0;

  const show = (frame) => {
    trails.forEach((trail, racer) => {
      lines[racer].setAttribute("points", trail.slice(0, frame + 1).join(" "));
      heads[racer].setAttribute("transform", `translate(${trail[frame]})`);
      cells[racer].textContent = values[racer][frame];
    });
    slider.value = frame;
    at.textContent = steps[frame].toLocaleString("en");
  };
  const stop = () => {
    cancelAnimationFrame(running);
    running = 0;
    play.textContent = "Play";
  };
  const start = () => {
    const first = Number(slider.value) % last; // from the end, all over again
    // Faster and faster: most happens in the first steps.
    const begun = performance.now() - 1000 * SECONDS * Math.sqrt(first / last);
    play.textContent = "Pause";
    const tick = (now) => {
      const frame = Math.min(last, Math.round(last * (Math.max(0, now - begun) / 1000 / SECONDS) ** 2));
      show(frame);
      if (frame < last) running = requestAnimationFrame(tick);
      else stop();
    };
    running = requestAnimationFrame(tick);
  };

  slider.max = last;
  slider.addEventListener("input", () => {
    stop();
    show(Number(slider.value));
  });
  play.addEventListener("click", () => (running ? stop() : start()));
  document.querySelector(".tools").hidden = false;
  show(last);
})();
