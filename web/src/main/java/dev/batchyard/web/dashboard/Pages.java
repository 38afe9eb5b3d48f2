package dev.batchyard.web.dashboard;

import dev.batchyard.engine.port.Batches.Batch;
import dev.batchyard.web.page.Page;
import dev.batchyard.web.page.Reader;
import dev.batchyard.web.page.Templates;
import dev.batchyard.web.page.Words;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.springframework.stereotype.Controller;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseBody;

/**
 * The addresses of the pages. Each page that changes by itself has its live twin below {@code
 * /live}.
 */
@Controller
@ResponseBody
public final class Pages {

  private static final String HTML = "text/html;charset=UTF-8";

  private final Dashboard dashboard;
  private final Templates templates;
  private final LivePages live;

  /** Serves what the dashboard reads. */
  public Pages(Dashboard dashboard, Templates templates, LivePages live) {
    this.dashboard = dashboard;
    this.templates = templates;
    this.live = live;
  }

  @GetMapping(
      path = {"/", "/tasks"},
      produces = HTML)
  String tasks(
      HttpServletRequest request,
      @RequestParam(name = "state", defaultValue = "") List<String> states,
      @RequestParam(name = "type", defaultValue = "") String type,
      @RequestParam(name = "queue", defaultValue = "") String queue,
      @RequestParam(name = "batch", defaultValue = "") String batch,
      @RequestParam(name = "before", defaultValue = "") String before) {
    ListQuery query = ListQuery.of(states, type, queue, batch, before);
    Page page = page(request, "tasks.title", query.path(), "/live/tasks" + query.parameters());
    return html("tasks/list", page, "list", dashboard.list(query));
  }

  @GetMapping("/live/tasks")
  void liveTasks(
      HttpServletRequest request,
      HttpServletResponse response,
      @RequestParam(name = "state", defaultValue = "") List<String> states,
      @RequestParam(name = "type", defaultValue = "") String type,
      @RequestParam(name = "queue", defaultValue = "") String queue,
      @RequestParam(name = "batch", defaultValue = "") String batch,
      @RequestParam(name = "before", defaultValue = "") String before)
      throws IOException {
    ListQuery query = ListQuery.of(states, type, queue, batch, before);
    Page page = page(request, "tasks.title", query.path(), "");
    serve(
        response,
        page,
        () -> dashboard.sharedList(query),
        list -> regions("tasks", page, "list", list, "counts", "rows"));
  }

  @GetMapping(path = "/tasks/{id}", produces = HTML)
  String task(
      HttpServletRequest request,
      @PathVariable("id") String id,
      @RequestParam(name = "rejects", defaultValue = "") String rejects) {
    TaskSheet.Key key = new TaskSheet.Key(id(id), InvalidAddress.number(rejects));
    String more = key.after() > 0 ? "?rejects=" + key.after() : "";
    Page page =
        page(
            request,
            "task.title",
            "/tasks/" + key.task() + more,
            "/live/tasks/" + key.task() + more,
            key.task());
    return html("task/sheet", page, "sheet", dashboard.sheet(key));
  }

  @GetMapping("/live/tasks/{id}")
  void liveTask(
      HttpServletRequest request,
      HttpServletResponse response,
      @PathVariable("id") String id,
      @RequestParam(name = "rejects", defaultValue = "") String rejects)
      throws IOException {
    TaskSheet.Key key = new TaskSheet.Key(id(id), InvalidAddress.number(rejects));
    Page page = page(request, "task.title", "", "", key.task());
    serve(
        response,
        page,
        () -> dashboard.sharedSheet(key),
        sheet -> {
          List<Region> regions =
              new ArrayList<>(
                  regions(
                      "task",
                      page,
                      "sheet",
                      sheet,
                      "head",
                      "ends",
                      "steps",
                      "ledger",
                      "attempts",
                      "rejects",
                      "history"));
          regions.add(new Region("log", html("task/tail", page, "sheet", sheet)));
          return regions;
        });
  }

  @GetMapping(path = "/tasks/{id}/log", produces = HTML)
  String log(
      HttpServletRequest request,
      @PathVariable("id") String id,
      @RequestParam(name = "after", defaultValue = "") String after) {
    LogPage log = dashboard.log(id(id), InvalidAddress.number(after));
    String path =
        "/tasks/" + log.task() + "/log" + (after.isEmpty() ? "" : "?after=" + log.after());
    return html("task/log", page(request, "log.title", path, "", log.task()), "log", log);
  }

  @GetMapping(path = "/batches", produces = HTML)
  String batches(
      HttpServletRequest request, @RequestParam(name = "before", defaultValue = "") String before) {
    long from = InvalidAddress.number(before);
    String more = from > 0 ? "?before=" + from : "";
    Page page = page(request, "batches.title", "/batches" + more, "/live/batches" + more);
    return html("batches/list", page, "list", dashboard.batches(from));
  }

  @GetMapping("/live/batches")
  void liveBatches(
      HttpServletRequest request,
      HttpServletResponse response,
      @RequestParam(name = "before", defaultValue = "") String before)
      throws IOException {
    long from = InvalidAddress.number(before);
    Page page = page(request, "batches.title", "", "");
    serve(
        response,
        page,
        () -> dashboard.sharedBatches(from),
        list -> regions("batches", page, "list", list, "rows"));
  }

  @GetMapping(path = "/batches/{id}", produces = HTML)
  String batch(HttpServletRequest request, @PathVariable("id") String id) {
    Batch batch = dashboard.batch(id(id));
    String path = "/batches/" + batch.id();
    Page page = page(request, "batch.title", path, "/live" + path, batch.id());
    return html("batches/sheet", page, "batch", batch);
  }

  @GetMapping("/live/batches/{id}")
  void liveBatch(
      HttpServletRequest request, HttpServletResponse response, @PathVariable("id") String id)
      throws IOException {
    long batch = id(id);
    Page page = page(request, "batch.title", "", "", batch);
    serve(
        response,
        page,
        () -> dashboard.sharedBatch(batch),
        now -> regions("batches", page, "batch", now, "head"));
  }

  @GetMapping(path = "/queues", produces = HTML)
  String queues(HttpServletRequest request) {
    Page page = page(request, "queues.title", "/queues", "/live/queues");
    return html("queues/list", page, "queues", dashboard.queues());
  }

  @GetMapping("/live/queues")
  void liveQueues(HttpServletRequest request, HttpServletResponse response) throws IOException {
    Page page = page(request, "queues.title", "", "");
    serve(
        response,
        page,
        dashboard::sharedQueues,
        queues -> regions("queues", page, "queues", queues, "rows"));
  }

  @GetMapping(path = "/retry-policies", produces = HTML)
  String retryPolicies(HttpServletRequest request) {
    Page page = page(request, "retries.title", "/retry-policies", "");
    return html("retries/list", page, "policies", dashboard.retryPolicies());
  }

  @GetMapping(path = "/pools", produces = HTML)
  String pools(
      HttpServletRequest request, @RequestParam(name = "pool", defaultValue = "") String pool) {
    if (pool.isEmpty()) {
      Page page = page(request, "pools.title", "/pools", "/live/pools");
      return html("pools/list", page, "pools", dashboard.pools());
    }
    String path = PoolSheet.path(pool);
    Page page = page(request, "pool.title", path, "/live" + path, pool);
    return html("pools/sheet", page, "sheet", dashboard.pool(pool));
  }

  @GetMapping("/live/pools")
  void livePools(
      HttpServletRequest request,
      HttpServletResponse response,
      @RequestParam(name = "pool", defaultValue = "") String pool)
      throws IOException {
    Page page = page(request, "pools.title", "", "");
    if (pool.isEmpty()) {
      serve(
          response,
          page,
          dashboard::sharedPools,
          pools -> regions("pools", page, "pools", pools, "rows"));
    } else {
      serve(
          response,
          page,
          () -> dashboard.sharedPool(pool),
          sheet -> regions("pools", page, "sheet", sheet, "one"));
    }
  }

  @GetMapping(path = "/compensations", produces = HTML)
  String compensations(
      HttpServletRequest request, @RequestParam(name = "before", defaultValue = "") String before) {
    long from = InvalidAddress.number(before);
    String path = "/compensations" + (from > 0 ? "?before=" + from : "");
    Page page = page(request, "compensations.title", path, "/live" + path);
    return html("compensations/list", page, "list", dashboard.compensations(from));
  }

  @GetMapping("/live/compensations")
  void liveCompensations(
      HttpServletRequest request,
      HttpServletResponse response,
      @RequestParam(name = "before", defaultValue = "") String before)
      throws IOException {
    long from = InvalidAddress.number(before);
    Page page = page(request, "compensations.title", "", "");
    serve(
        response,
        page,
        () -> dashboard.sharedCompensations(from),
        list -> regions("compensations", page, "list", list, "rows"));
  }

  @GetMapping(path = "/nodes", produces = HTML)
  String nodes(HttpServletRequest request) {
    Page page = page(request, "nodes.title", "/nodes", "/live/nodes");
    return html("nodes/list", page, "nodes", dashboard.nodes());
  }

  @GetMapping("/live/nodes")
  void liveNodes(HttpServletRequest request, HttpServletResponse response) throws IOException {
    Page page = page(request, "nodes.title", "/nodes", "");
    serve(
        response,
        page,
        dashboard::sharedNodes,
        (List<NodeSheet> nodes) ->
            List.of(new Region("nodes", html("nodes/rows", page, "nodes", nodes))));
  }

  @GetMapping(path = "/doctor", produces = HTML)
  String doctor(HttpServletRequest request) {
    Page page = page(request, "doctor.title", "/doctor", "/live/doctor");
    return html("doctor/list", page, "looks", dashboard.looks());
  }

  @GetMapping("/live/doctor")
  void liveDoctor(HttpServletRequest request, HttpServletResponse response) throws IOException {
    Page page = page(request, "doctor.title", "/doctor", "");
    serve(
        response,
        page,
        dashboard::sharedLooks,
        looks -> regions("doctor", page, "looks", looks, "rows"));
  }

  private <S> void serve(
      HttpServletResponse response, Page page, Supplier<S> read, Function<S, List<Region>> regions)
      throws IOException {
    live.serve(
        response,
        read,
        value -> {
          List<Region> all = new ArrayList<>(regions.apply(value));
          all.add(new Region("status", ""));
          return all;
        },
        new Region("status", templates.html("away", Map.of("page", page))));
  }

  private List<Region> regions(
      String folder, Page page, String name, Object value, String... regions) {
    return Stream.of(regions)
        .map(region -> new Region(region, html(folder + "/" + region, page, name, value)))
        .toList();
  }

  private String html(String template, Page page, String name, Object value) {
    return templates.html(template, Map.of("page", page, name, value));
  }

  private static Page page(
      HttpServletRequest request, String title, String path, String live, Object... values) {
    Reader reader = Reader.of(request);
    return Page.of(reader, Words.in(reader.language()).text(title, values), path, live);
  }

  private static long id(String id) {
    try {
      return Long.parseLong(id);
    } catch (NumberFormatException e) {
      throw new MissingPage();
    }
  }
}
