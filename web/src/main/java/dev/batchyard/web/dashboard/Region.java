package dev.batchyard.web.dashboard;

/**
 * A part of a page that changes by itself.
 *
 * @param name the name of its events, and of the element that takes them in
 * @param html what stands in that element
 */
record Region(String name, String html) {}
