#!/usr/bin/env python3
"""The page as a browser shows it: page_browser_test.py --runner FILE --worker FILE

Needs Chromium, its driver and Selenium (Debian: chromium chromium-driver python3-selenium), and
exits 4 (skipped) where one is missing. MVN_TEST_PYTHON names another Python that has Selenium;
MVN_SCREENSHOTS a folder for pictures of the page.
"""
import argparse
import json
import os
import pathlib
import shutil
import sys
import unittest

PYTHON = os.environ.get("MVN_TEST_PYTHON")
if PYTHON and PYTHON != sys.executable and "MVN_TEST_RESTARTED" not in os.environ:
    os.environ["MVN_TEST_RESTARTED"] = "1"
    os.execv(PYTHON, [PYTHON, *sys.argv])

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError as error:
    print(f"skipped: {error} (Debian: python3-selenium)")
    sys.exit(4)

from page_place import EVIL, Led, Place, Server

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
if not CHROMIUM or not DRIVER:
    print("skipped: no Chromium with its driver (Debian: chromium chromium-driver)")
    sys.exit(4)

ARGUMENTS = argparse.ArgumentParser()
ARGUMENTS.add_argument("--runner", type=pathlib.Path, required=True)
ARGUMENTS.add_argument("--worker", type=pathlib.Path, required=True)

PATIENCE = 60  # seconds until a page that never gets there fails the test

# Every refusal of the policy, and every error of a script, is kept.
WATCH = """
window.seen = [];
addEventListener("securitypolicyviolation", (e) => seen.push(`policy: ${e.effectiveDirective}`));
addEventListener("error", (e) => seen.push(`error: ${e.message}`));
addEventListener("unhandledrejection", (e) => seen.push(`rejection: ${e.reason}`));
"""


class Browser:
    def __init__(self, width=1440, height=900, dark=False):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu",
                         "--disable-dev-shm-usage", "--hide-scrollbars"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        self.width = width
        self.size(height)
        self.command("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.command("Page.addScriptToEvaluateOnNewDocument", source=WATCH)

    def command(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    def size(self, height):
        self.command("Emulation.setDeviceMetricsOverride", width=self.width, height=height,
                     deviceScaleFactor=1, mobile=self.width < 600)

    def open(self, url):
        self.driver.get(url)
        self.until("return document.documentElement.dataset.ready === 'yes'")

    def ask(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def until(self, script, *arguments):
        WebDriverWait(self.driver, PATIENCE, poll_frequency=0.05).until(
            lambda _: self.ask(script, *arguments), script)

    def complaints(self):
        logged = [entry["message"] for entry in self.driver.get_log("browser")
                  if entry["level"] in ("SEVERE", "WARNING")]
        return self.ask("return window.seen") + logged

    def picture(self, name):
        folder = os.environ.get("MVN_SCREENSHOTS")
        if not folder:
            return
        self.size(min(9000, self.ask("return document.documentElement.scrollHeight")))
        self.driver.save_screenshot(os.path.join(folder, name))


def rows(browser, table):
    """The rows that a table shows, each the texts of its cells."""
    return browser.ask("return [...document.querySelectorAll(`#${arguments[0]} tbody tr`)]"
                       ".map((row) => [...row.cells].map((cell) => cell.textContent))", table)


class PageInBrowser(unittest.TestCase):
    options = None

    @classmethod
    def setUpClass(cls):
        cls.place = Place(cls.options.runner, cls.options.worker)
        code, out, err = cls.place.run("sweep.yaml")
        assert code == 1, out + err  # some trials fail
        code, out, err = cls.place.run("report", "demo", "--by", "args.model")
        assert (code, out) == (0, "wrote demo.html\n"), out + err
        cls.report = (cls.place.folder / "demo.html").as_uri()

    @classmethod
    def tearDownClass(cls):
        cls.place.close()

    def browser(self, **more):
        browser = Browser(**more)
        self.addCleanup(browser.driver.quit)
        return browser

    @staticmethod
    def marks(browser, plot):
        """What a plot has drawn."""
        return browser.ask("return document.querySelectorAll(`#${arguments[0]} .point, "
                           "#${arguments[0]} .js-line, #${arguments[0]} .hm image`).length", plot)

    @staticmethod
    def text(browser, selector):
        return browser.ask("return document.querySelector(arguments[0]).textContent", selector)

    def test_shows_everything_without_a_complaint(self):
        browser = self.browser()
        browser.open(self.report)
        self.assertEqual(browser.complaints(), [])
        text = browser.ask("return document.querySelector('main').textContent")
        for part in ("Which args.model is better?", "mamba is better than gptneo", "exit code 3",
                     "out of memory", "8 configurations", "24 trials", "name: demo"):
            self.assertIn(part, text)
        for plot in ("curves-plot", "costs-plot", "difference-plot", "parallel-plot",
                     "confusion-plot"):
            self.assertGreater(self.marks(browser, plot), 0, plot)
        browser.picture("desk.png")

    def test_the_leaderboard_has_the_numbers_of_the_view(self):
        browser = self.browser()
        browser.open(self.report)
        _, out, _ = self.place.run("query", "SELECT params, mean FROM group_stats WHERE n > 0",
                                   "--format", "json")
        shown = {row[2]: row[3] for row in rows(browser, "groups-table")}
        for row in json.loads(out):
            self.assertAlmostEqual(float(shown[row["params"]]), row["mean"], places=3)

    def test_filters_and_sorts(self):
        browser = self.browser()
        browser.open(self.report)
        find = browser.driver.find_element
        field = find("css selector", "#groups-filter")
        field.send_keys("mamba lr=0.1")
        self.assertEqual(len(rows(browser, "groups-table")), 2)
        self.assertEqual(self.text(browser, "#groups-count"), "2 of 8 configurations")
        field.send_keys(Keys.CONTROL, "a", Keys.DELETE)
        self.assertEqual(len(rows(browser, "groups-table")), 8)
        for expected in ("ascending", "descending"):
            # By the keyboard: the focus stays on the column though the table is drawn anew.
            find("css selector", "#groups-table [data-column=mean]").send_keys(Keys.ENTER)
            order = browser.ask("return document.activeElement.closest('th').ariaSort")
            self.assertEqual(order, expected)
            means = [float(row[3]) for row in rows(browser, "groups-table") if row[3] != "–"]
            self.assertEqual(means, sorted(means, reverse=expected == "descending"))
        self.assertEqual(browser.complaints(), [])

    def test_metrics_and_ticks_choose_the_curves(self):
        browser = self.browser()
        browser.open(self.report)
        lines = "return document.querySelectorAll('#curves-plot .legend .traces').length"
        self.assertEqual(browser.ask(lines), 7)  # the best six, and the others
        browser.ask("document.querySelector('#groups-table input[type=checkbox]').click()")
        browser.until(f"{lines} === 6")
        browser.ask("const select = document.querySelector('#curves-metric');"
                    "select.value = 'strange/<b>'; select.dispatchEvent(new Event('change'))")
        browser.until("return document.querySelector('#curves-plot .ytitle')?.textContent"
                      " === 'strange/<b>'")
        self.assertEqual(browser.complaints(), [])

    def test_names_of_users_stay_texts(self):
        browser = self.browser()
        browser.open(self.report)
        self.assertEqual(browser.driver.title, "demo – mvn-runner")
        self.assertEqual(self.text(browser, "#description"), EVIL)
        self.assertEqual(browser.ask("return document.querySelectorAll('b, img').length"), 0)
        self.assertEqual(browser.complaints(), [])

    def test_a_trial_opens_by_the_keyboard_and_closes(self):
        browser = self.browser()
        browser.open(self.report)
        browser.ask("document.querySelector('#trials-table tbody a').focus()")
        browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
        browser.until("return document.querySelector('#trial[open] .js-line')")
        text = self.text(browser, "#trial")
        for part in ("What sets it apart", "Other seeds", "Command", "train.py", "args.note", EVIL,
                     "End of its log", "training {"):
            self.assertIn(part, text)
        browser.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
        browser.until("return !document.querySelector('#trial').open && !location.hash")
        self.assertEqual(browser.complaints(), [])

    def test_fits_a_phone_in_the_dark(self):
        browser = self.browser(width=390, height=844, dark=True)
        browser.open(self.report)
        self.assertLessEqual(browser.ask("return document.documentElement.scrollWidth"), 390)
        paper = "return getComputedStyle(document.body).backgroundColor"
        dark = browser.ask(paper)
        browser.picture("phone.png")
        browser.ask("document.querySelector('#theme').click()")
        self.assertNotEqual(browser.ask(paper), dark)
        self.assertEqual(browser.complaints(), [])

    def test_follows_a_sweep_that_runs(self):
        place = Place(self.options.runner, self.options.worker)
        self.addCleanup(place.close)
        led = Led(place)
        self.addCleanup(led.end)
        led.report(0.25)
        while "1" not in place.run("query", "SELECT 1 FROM metrics")[1]:
            pass
        server = Server(place, "--port", "0")
        self.addCleanup(server.end)
        browser = self.browser()
        browser.open(server.url)
        shown = "return document.querySelector('#trials-table').textContent.includes(arguments[0])"
        browser.until(shown, "0.25")
        led.report(0.625)
        browser.until(shown, "0.625")
        browser.until("return document.querySelectorAll('#curves-plot .point').length === 2")
        # So does the dialog of a trial, which stays as far open as it was.
        browser.ask("document.querySelector('#trials-table tbody a').click()")
        browser.until("return document.querySelector('#trial[open] details')")
        browser.ask("document.querySelector('#trial details').open = true")
        led.report(0.875)
        browser.until("return document.querySelector('#trial-body').textContent"
                      ".includes('0.875')")
        self.assertTrue(browser.ask("return document.querySelector('#trial details').open"))
        self.assertEqual(browser.complaints(), [])

    def test_lists_the_sweeps_where_there_are_several(self):
        place = Place(self.options.runner, self.options.worker)
        self.addCleanup(place.close)
        place.run("sweep.yaml")
        sweep = (place.folder / "sweep.yaml").read_text()
        place.write("other.yaml", sweep.replace("name: demo", "name: other"))
        place.run("other.yaml")
        server = Server(place, "--port", "0")
        self.addCleanup(server.end)
        browser = self.browser()
        browser.open(server.url)
        names = sorted(row[0] for row in rows(browser, "sweeps-table"))
        self.assertEqual(names, ["demo", "other"])
        browser.driver.find_element("link text", "other").click()
        browser.until("return document.title === 'other – mvn-runner'")
        browser.until("return document.documentElement.dataset.ready === 'yes'")
        self.assertEqual(browser.complaints(), [])


if __name__ == "__main__":
    PageInBrowser.options, rest = ARGUMENTS.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
