/**
 * What the engine needs from outside, in small interfaces named by transition; reads apart in
 * views.
 */
@NullMarked
package dev.batchyard.engine.port;

import org.jspecify.annotations.NullMarked;
