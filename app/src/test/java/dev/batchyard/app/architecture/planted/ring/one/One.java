package dev.batchyard.app.architecture.planted.ring.one;

import dev.batchyard.app.architecture.planted.ring.two.Two;

public record One(Class<Two> next) {}
