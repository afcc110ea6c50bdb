from django.http import HttpResponse
from django.urls import path


def order(request, number):
    prices = {1: 7, 2: 15}
    return HttpResponse(f"{prices[number]} EUR")


urlpatterns = [path("order/<int:number>", order)]
