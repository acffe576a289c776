#!/usr/bin/env python3
"""open.py FILE: seconds from opening the page until all of it is drawn, five times, in headless
Chromium."""
import pathlib
import shutil
import statistics
import sys
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait


def seconds_to_open(url):
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1440,900"):
        options.add_argument(argument)
    options.binary_location = shutil.which("chromium")
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        start = time.monotonic()
        driver.get(url)
        WebDriverWait(driver, 60, poll_frequency=0.02).until(
            lambda page: page.execute_script("return document.documentElement.dataset.ready"))
        return time.monotonic() - start
    finally:
        driver.quit()


def main():
    url = pathlib.Path(sys.argv[1]).resolve().as_uri()
    seconds = sorted(seconds_to_open(url) for _ in range(5))
    print(f"opened in {statistics.median(seconds):.2f} s "
          f"({seconds[0]:.2f} .. {seconds[-1]:.2f})")


if __name__ == "__main__":
    main()
