package dev.batchyard.app.architecture.planted.store;

import dev.batchyard.app.architecture.planted.web.Pages;

final class SeesWeb {
  private SeesWeb() {}

  static Class<Pages> sees_pages() {
    return Pages.class;
  }
}
