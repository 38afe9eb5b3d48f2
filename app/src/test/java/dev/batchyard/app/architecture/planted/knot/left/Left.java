package dev.batchyard.app.architecture.planted.knot.left;

import dev.batchyard.app.architecture.planted.knot.right.Right;

public record Left(Right right) {}
