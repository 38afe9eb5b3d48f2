/** The pages for people, on this machine only: a server that reads through the engine's views. */
@NullMarked
package dev.batchyard.web;

import org.jspecify.annotations.NullMarked;
