package dev.batchyard.app.architecture.planted.ring.three;

import dev.batchyard.app.architecture.planted.ring.one.One;

public record Three(Class<One> next) {}
