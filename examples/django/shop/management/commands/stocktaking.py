import logging

from django.core.management.base import BaseCommand

log = logging.getLogger(__name__)


class Command(BaseCommand):
    def handle(self, **options):
        for item in ("tea", "cups", "kettle"):
            log.error("%s is missing", item)
