#!/usr/bin/env python3
"""follow.py RUNNER: seconds from when a value is in results.db until the live page shows it, ten
times, in headless Chromium."""
import pathlib
import shutil
import sqlite3
import statistics
import sys
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

TESTS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "e2e"
sys.path.insert(0, str(TESTS))
sys.dont_write_bytecode = True
from page_place import Led, Place, Server  # noqa: E402  pylint: disable=wrong-import-position


def open_page(url):
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1440,900"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium")
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.get(url)
    WebDriverWait(driver, 60).until(
        lambda page: page.execute_script("return document.documentElement.dataset.ready"))
    return driver


def seconds_to_show(value, database, driver):
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
        while not db.execute("SELECT 1 FROM mvn_metric WHERE value = ?", (value,)).fetchone():
            time.sleep(0.005)
    start = time.monotonic()
    shown = "return document.querySelector('#trials-table').textContent.includes(arguments[0])"
    WebDriverWait(driver, 60, poll_frequency=0.01).until(
        lambda page: page.execute_script(shown, str(value)))
    return time.monotonic() - start


def main():
    place = Place(pathlib.Path(sys.argv[1]).resolve(), TESTS / "fake_worker.py")
    led = Led(place)
    led.report(0.5)
    while "1" not in place.run("query", "SELECT 1 FROM metrics")[1]:
        time.sleep(0.05)
    server = Server(place, "--port", "0")
    driver = open_page(server.url)
    seconds = []
    for i in range(10):
        value = round(0.61 + i / 100, 2)
        led.report(value)
        seconds.append(seconds_to_show(value, place.folder / "results" / "results.db", driver))
    driver.quit()
    server.end()
    led.end()
    place.close()
    print(f"shown after {statistics.median(seconds):.2f} s "
          f"({min(seconds):.2f} .. {max(seconds):.2f})")


if __name__ == "__main__":
    main()
