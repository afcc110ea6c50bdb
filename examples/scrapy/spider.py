import logging
import os

import scrapy

import pushover_logging

logging.getLogger().addHandler(pushover_logging.PushoverHandler(level="ERROR"))


class PricesSpider(scrapy.Spider):
    name = "prices"
    start_urls = [f"{os.environ.get('SHOP', 'http://127.0.0.1:8000')}/{n}" for n in range(4)]

    def parse(self, response):
        price = response.css("b::text").get()
        if price is None:
            self.logger.error("no price on %s", response.url)
        yield {"price": int(price.removesuffix(" EUR"))}
