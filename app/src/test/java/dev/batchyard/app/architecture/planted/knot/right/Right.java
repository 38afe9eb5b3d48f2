package dev.batchyard.app.architecture.planted.knot.right;

import dev.batchyard.app.architecture.planted.knot.left.Left;

public record Right(Class<Left> left) {}
