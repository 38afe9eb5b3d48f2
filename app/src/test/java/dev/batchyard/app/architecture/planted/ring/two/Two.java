package dev.batchyard.app.architecture.planted.ring.two;

import dev.batchyard.app.architecture.planted.ring.three.Three;

public record Two(Class<Three> next) {}
