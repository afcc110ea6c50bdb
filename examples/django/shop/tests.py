from django.test import SimpleTestCase


class OrderTest(SimpleTestCase):
    def test_unknown_order_is_an_error(self):
        self.client.raise_request_exception = False

        with self.assertLogs("django.request", "ERROR"):
            answer = self.client.get("/order/3")

        self.assertEqual(answer.status_code, 500)
