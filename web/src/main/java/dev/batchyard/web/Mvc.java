package dev.batchyard.web;

import org.springframework.context.annotation.Configuration;
import org.springframework.web.servlet.config.annotation.EnableWebMvc;

/** Switches on the mapping of addresses to methods. The beans are given by {@link WebServer}. */
@Configuration(proxyBeanMethods = false)
@EnableWebMvc
class Mvc {}
