package dev.batchyard.app.architecture.planted.ops;

import dev.batchyard.app.architecture.planted.web.Pages;

final class SeesWeb {
  private SeesWeb() {}

  static Class<Pages> sees_pages() {
    return Pages.class;
  }
}
