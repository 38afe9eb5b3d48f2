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

// A page listens only while it is in sight: a browser has six connections for one server, so six
// tabs that listen on unseen would leave none for a seventh. Whoever opens a stream is sent all of
// the page's regions, so a page that is seen again is also up to date again.
(() => {
  "use strict";
  // stands in for one EventSource of htmx's extension, over all that come and go beneath it
  class Stream {
    #url;
    #heard = [];
    #source = null;

    constructor(url) {
      this.#url = url;
      this.follow();
    }

    get readyState() {
      return this.#source ? this.#source.readyState : EventSource.CONNECTING;
    }

    addEventListener(name, listener) {
      this.#heard.push([name, listener]);
      this.#source?.addEventListener(name, listener);
    }

    removeEventListener(name, listener) {
      this.#heard = this.#heard.filter(([n, l]) => n !== name || l !== listener);
      this.#source?.removeEventListener(name, listener);
    }

    // listens if the page is in sight, and does not if it is not
    follow() {
      if (document.hidden) {
        this.close();
      } else if (!this.#source) {
        this.#source = new EventSource(this.#url);
        this.#source.onopen = (event) => this.onopen?.(event);
        this.#source.onerror = (event) => this.onerror?.(event);
        this.#heard.forEach(([name, listener]) => this.#source.addEventListener(name, listener));
      }
    }

    close() {
      this.#source?.close();
      this.#source = null;
    }
  }

  let stream = null;
  htmx.createEventSource = (url) => {
    stream?.close(); // the extension comes again when the server has refused the last one
    stream = new Stream(url);
    return stream;
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      delete document.documentElement.dataset.live;
    }
    stream?.follow();
  });
})();
