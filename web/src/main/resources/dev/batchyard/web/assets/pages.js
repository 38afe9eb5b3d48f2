// The zone in which the server shall write times; it knows only what the browser tells.
(() => {
  "use strict";
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone) {
    document.cookie = `batchyard-zone=${zone}; path=/; max-age=31536000; samesite=strict`;
  }
  const show = (state) => () => {
    document.documentElement.dataset.live = state;
  };
  document.addEventListener("htmx:sseOpen", show("on"));
  document.addEventListener("htmx:sseError", show("off"));
})();
